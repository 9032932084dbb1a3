// What differs between two states of a database, as an answer.
import { ApiError } from '../../messages/errors.ts';
import { RawJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import { type DatabaseDiff, type DatabaseDiffArgs, timeMachine } from '../../messages/operations/time-machine.ts';
import type { DatabaseTarget } from '../../messages/paths.ts';
import { checkSize, json, type Reply } from '../../messages/reply.ts';
import type { At, ChangedTablesAnswer, Moment } from '../../messages/time-machine.ts';
import type { RequestContext } from '../http/context.ts';
import type { Services } from '../services.ts';
import { momentOf } from './moments.ts';
import { momentMembers, tableMembers } from './time-machine-members.ts';

/** Of the time that is left, so much goes into comparing rows: the answer says what was found until then. */
const compareShare = 0.8;

export interface Comparison {
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
  const comparison = { table: query.text('table') || null, rows: query.integer('rows'), format } as const;
  const [found] = await compare(context, services, [first, other], 'head' in to ? 'now' : 'past', comparison);
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

/**
 * What leads from one moment to the other, and by which pages that is known: null where nothing leads there page by
 * page. `kind`: the other one is an old state, the newest one, or the newest one from which a rewind is to lead back.
 * @throws ApiError; ARCHIVE_GAP for a rewind
 */
export async function compare(
  context: RequestContext,
  services: Services,
  [from, to]: readonly [Moment, Moment],
  kind: 'past' | 'now' | 'rewind',
  comparison: Comparison,
): Promise<[DatabaseDiff, ChangedTablesAnswer | null]> {
  const { timeMachine: machine } = services;
  const [target, { deadlineMs }] = [services.target(context), context];
  const [earlier, later] = [{ bookmark: from.bookmark }, { bookmark: to.bookmark }];
  const run = (path: string, suspects: readonly string[] | null, areExcerpts: boolean, database: DatabaseTarget) => {
    const budgetMs = Math.max(0, (deadlineMs - performance.now()) * compareShare);
    const args: DatabaseDiffArgs = { ...comparison, suspects, earlier: path, areExcerpts, budgetMs };
    return services.run(timeMachine.diff, context, args, { database });
  };
  const named = (path: string): DatabaseTarget => ({ name: target.name, path });
  let changed: ChangedTablesAnswer | null = null;
  const excerpted = await machine
    .withExcerpts(target, earlier, later, deadlineMs, async (answer, excerpts) => {
      changed = answer;
      return excerpts && (await run(excerpts.from, answer.tables, true, named(excerpts.to)));
    })
    .catch((error) => (kind !== 'rewind' && isGap(error) ? null : Promise.reject(error)));
  if (excerpted !== null) return [excerpted, changed];
  const whole = (other: DatabaseTarget) =>
    machine.withState(target, earlier, deadlineMs, ({ path }) => run(path, changed?.tables ?? null, false, other));
  const found = await (kind === 'past'
    ? machine.withState(target, later, deadlineMs, ({ path }) => whole(named(path)))
    : whole(target));
  if (found === null) throw new ApiError('INTERNAL_ERROR', 'internal error');
  return [found, changed];
}

function isGap(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'ARCHIVE_GAP';
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
