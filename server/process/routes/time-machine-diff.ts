// What differs between two states of a database, as an answer.
import { ApiError } from '../../messages/errors.ts';
import { RawJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import { type DatabaseDiff, timeMachine } from '../../messages/operations/time-machine.ts';
import { checkSize, json, type Reply } from '../../messages/reply.ts';
import type { At } from '../../messages/time-machine.ts';
import type { RequestContext } from '../http/context.ts';
import type { Services } from '../services.ts';
import { momentOf } from './moments.ts';
import { momentMembers, tableMembers } from './time-machine-members.ts';

/** Of the time that is left, so much goes into comparing rows: the answer says what was found until then. */
const compareShare = 0.8;

interface Comparison {
  readonly suspects: readonly string[] | null;
  readonly table: string | null;
  readonly rows: number;
  readonly format: 'json' | 'sql';
}

export async function diff(context: RequestContext, services: Services): Promise<Reply> {
  const { query, deadlineMs } = context;
  const target = services.target(context);
  const format = query.text('format');
  if (format !== 'json' && format !== 'sql') throw new ApiError('INVALID_PARAMETERS', 'format must be json or sql');
  const from = momentOf(context, 'from');
  const to: At = query.text('to') === '' ? { head: true } : momentOf(context, 'to');
  const machine = services.timeMachine;
  await machine.settle(target, deadlineMs).catch((error) => ('head' in to ? Promise.reject(error) : undefined));
  const [first, other] = [
    await machine.resolve(target, from, deadlineMs),
    await machine.resolve(target, to, deadlineMs),
  ];
  const [earlier, later] = [{ bookmark: first.bookmark }, { bookmark: other.bookmark }];
  const comparison: Comparison = {
    suspects: await suspectsOf(context, services, earlier, later),
    table: query.text('table') || null,
    rows: query.integer('rows'),
    format,
  };
  const found =
    'head' in to
      ? await compareWithNow(context, services, earlier, comparison)
      : await machine.withState(target, later, deadlineMs, ({ path }) =>
          compare(context, services, earlier, comparison, { name: target.name, path }),
        );
  if (found.sql !== null) {
    checkSize(Buffer.byteLength(found.sql), limits.responseBytes);
    return { status: 200, body: found.sql, contentType: 'text/plain; charset=utf-8' };
  }
  return json({
    success: true,
    db: target.name,
    from: momentMembers(first),
    to: momentMembers(other),
    is_complete: found.isComplete,
    tables: found.tables.map((table) => ({
      ...tableMembers(table),
      rows: new RawJson(`[${table.rows.join(',')}]`),
      rows_truncated: table.areRowsTruncated,
    })),
    objects: found.objects.map(({ type, name, change, fromSql, toSql }) => ({
      type,
      name,
      change,
      from_sql: fromSql,
      to_sql: toSql,
    })),
  });
}

/** Tables with pages that differ; null where the archive cannot tell, and all are to be compared. */
export async function suspectsOf(
  context: RequestContext,
  services: Services,
  from: At,
  to: At,
): Promise<readonly string[] | null> {
  const { timeMachine: machine } = services;
  const name = machine.nameOf(services.target(context));
  try {
    return (await machine.archive.changedTables(name, from, to, context.deadlineMs)).tables;
  } catch {
    return null;
  }
}

export function compareWithNow(
  context: RequestContext,
  services: Services,
  earlier: At,
  comparison: Comparison,
): Promise<DatabaseDiff> {
  return compare(context, services, earlier, comparison, services.target(context));
}

async function compare(
  context: RequestContext,
  services: Services,
  earlier: At,
  comparison: Comparison,
  later: { readonly name: string; readonly path: string },
): Promise<DatabaseDiff> {
  const target = services.target(context);
  return await services.timeMachine.withState(target, earlier, context.deadlineMs, async ({ path }) => {
    const budgetMs = Math.max(0, (context.deadlineMs - performance.now()) * compareShare);
    return await services.run(
      timeMachine.diff,
      context,
      { ...comparison, earlier: path, budgetMs },
      { database: later },
    );
  });
}

/** From now to the past: what a rewind does. */
export function inverted({ tables, objects, ...found }: DatabaseDiff): DatabaseDiff {
  const opposite = { created: 'dropped', dropped: 'created', changed: 'changed' } as const;
  return {
    ...found,
    tables: tables.map((table) => ({
      ...table,
      change: opposite[table.change],
      rowsAdded: table.rowsRemoved,
      rowsRemoved: table.rowsAdded,
      columnsAdded: table.columnsRemoved,
      columnsRemoved: table.columnsAdded,
    })),
    objects: objects.map((object) => ({ ...object, change: opposite[object.change] })),
  };
}
