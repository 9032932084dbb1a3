// The past of whole databases over HTTP: its commits, rewinds, forks, differences.

import { ApiError } from '../../messages/errors.ts';
import { RawJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import { parseAt } from '../../messages/moment.ts';
import { file } from '../../messages/operations/file.ts';
import { type DatabaseDiff, type TableDiff, timeMachine } from '../../messages/operations/time-machine.ts';
import { checkSize, json, type Reply } from '../../messages/reply.ts';
import type { ArchivedDatabase, At, HistoryEntry, Moment, Writer } from '../../messages/time-machine.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Header, Route } from '../http/route.ts';
import { executorName } from '../locks.ts';
import type { Services } from '../services.ts';
import { archiveErrors } from '../time-machine/archive.ts';
import { databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';
import {
  archiveSchema,
  diffSchema,
  forkedSchema,
  historySchema,
  rewindPreviewSchema,
  rewindSchema,
} from './time-machine-schemas.ts';

const mostRows = 1_000;
/** Of the time that is left, so much goes into comparing rows: the answer says what was found until then. */
const compareShare = 0.8;
const momentText =
  'A time ("2026-11-28T10:00:00Z", seconds since 1970), how long ago ("10 minutes ago"), a bookmark, or "now". A time without a zone is one of the server\'s zone. It means the last commit at or before it.';
const pastErrors = [...databaseErrors, ...archiveErrors, 'CONFLICT'] as const;

const momentParameter = (name: string, description: string): QueryParameter => ({
  name,
  type: 'text',
  description: `${description} ${momentText}`,
});
const rowsFlag: QueryParameter = {
  name: 'rows',
  type: 'boolean',
  default: true,
  description: 'Of a preview: count the rows. Without, only the tables are named, which is quick for a huge database.',
};
const confirmParameter: QueryParameter = {
  name: 'confirm',
  type: 'text',
  description: '"yes" to do it. Without it the answer is what would happen.',
};

export const timeMachineRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/history',
    name: 'databaseHistory',
    summary: 'Commits of a database by whomever, newest first',
    tag: 'database',
    access: 'read',
    query: [
      dbParameter,
      { name: 'limit', type: 'integer', default: 50, min: 1, max: mostRows, description: 'How many at most.' },
      { name: 'before', type: 'text', description: 'Only commits before this bookmark: the next_before of an answer.' },
      momentParameter('since', 'Only commits since then.'),
      momentParameter('until', 'Only commits until then.'),
      { name: 'table', type: 'text', description: 'Only commits that changed this table.' },
      { name: 'tables', type: 'boolean', default: false, description: 'Name the tables that each commit changed.' },
      timeoutParameter,
    ],
    replies: { 200: { description: 'The commits.', schema: historySchema } },
    errors: pastErrors,
    handle: history,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/archive',
    name: 'archiveStatus',
    summary: 'How much of the past is kept, of all databases or one',
    tag: 'database',
    access: 'read',
    query: [{ ...dbParameter, required: false }, timeoutParameter],
    replies: { 200: { description: 'Each database with a past, or reasons why it has none.', schema: archiveSchema } },
    errors: pastErrors,
    handle: status,
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/db/rewind',
    name: 'rewindDatabase',
    summary: 'Make the state of a moment the newest one; shows what would happen unless confirm=yes',
    tag: 'database',
    access: 'write',
    query: [
      dbParameter,
      { ...momentParameter('at', 'Where to go back to.'), required: true },
      confirmParameter,
      rowsFlag,
      timeoutParameter,
    ],
    replies: {
      200: {
        description: 'What was done, or would be. Change cursors of before answer 410 afterwards, and no ETag matches.',
        schema: { oneOf: [rewindSchema, rewindPreviewSchema] },
      },
    },
    errors: [...pastErrors, 'DATABASE_READONLY'],
    handle: async (context, services) => await rewind(context, services, momentOf(context, 'at')),
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/db/undo',
    name: 'undoRewind',
    summary: 'Go back to the state before the last rewind; shows what would happen unless confirm=yes',
    tag: 'database',
    access: 'write',
    query: [dbParameter, confirmParameter, rowsFlag, timeoutParameter],
    replies: {
      200: {
        description:
          'As of a rewind. What was committed since the rewind is undone as well; undo again to get it back.',
        schema: { oneOf: [rewindSchema, rewindPreviewSchema] },
      },
    },
    errors: [...pastErrors, 'NOT_FOUND', 'DATABASE_READONLY'],
    handle: async (context, services) => {
      const last = await services.timeMachine.lastRewind(services.target(context), context.deadlineMs);
      return await rewind(context, services, { bookmark: last.from.bookmark });
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/db/fork',
    name: 'forkDatabase',
    summary: 'Make a new database of the state of a moment',
    tag: 'database',
    access: 'write',
    query: [
      dbParameter,
      momentParameter('at', 'Default now.'),
      { ...dbParameter, name: 'to', description: 'The new database, named as in db.' },
      timeoutParameter,
    ],
    replies: { 201: { description: 'Created.', schema: forkedSchema } },
    errors: [...pastErrors, 'DATABASE_EXISTS', 'DATABASE_READONLY'],
    handle: fork,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/diff',
    name: 'databaseDiff',
    summary: 'What differs between two moments of a database',
    tag: 'database',
    access: 'read',
    query: [
      dbParameter,
      { ...momentParameter('from', 'The first state.'), required: true },
      momentParameter('to', 'The other state. Default now.'),
      { name: 'table', type: 'text', description: 'Only this table.' },
      {
        name: 'rows',
        type: 'integer',
        default: 100,
        min: 0,
        max: mostRows,
        description: 'Rows to show of each table.',
      },
      { name: 'format', type: 'text', default: 'json', description: '`json`, or `sql` for a script.' },
      timeoutParameter,
    ],
    replies: {
      200: {
        description:
          'Tables and definitions that differ; with format=sql a script that makes the first state the other.',
        schema: diffSchema,
        orBytes: 'text/plain',
      },
    },
    errors: pastErrors,
    handle: diff,
  },
];

/** @throws ApiError INVALID_PARAMETERS */
export function momentOf(context: RequestContext, name: string): At {
  // A `+` that was not escaped in the URL is a space by now.
  const sent = context.query.text(name).replace(/(T?\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:?\d\d)$/, '$1+$2');
  let at: At;
  try {
    at = parseAt(sent);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', `"${name}": ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  if ('timeMs' in at && at.timeMs > Date.now()) throw new ApiError('INVALID_PARAMETERS', `"${name}" is in the future`);
  return at;
}

const timeOf = (context: RequestContext, name: string): number | undefined => {
  if (context.query.text(name) === '') return undefined;
  const at = momentOf(context, name);
  if ('timeMs' in at) return at.timeMs;
  if ('head' in at) return Date.now();
  throw new ApiError('INVALID_PARAMETERS', `"${name}" must be a time; for a bookmark use "before"`);
};

async function history(context: RequestContext, services: Services): Promise<Reply> {
  const { query, deadlineMs } = context;
  const target = services.target(context);
  const [sinceMs, untilMs] = [timeOf(context, 'since'), timeOf(context, 'until')];
  const question = {
    limit: query.integer('limit'),
    withTables: query.boolean('tables'),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(query.text('before') === '' ? {} : { before: query.text('before').toLowerCase() }),
    ...(query.text('table') === '' ? {} : { table: query.text('table') }),
  };
  const name = services.timeMachine.nameOf(target);
  await services.timeMachine.settle(target, deadlineMs).catch(() => {}); // the newest commits may be missing then
  const { entries, hasMore, oldest } = await services.timeMachine.archive.history(name, question, deadlineMs);
  return json({
    success: true,
    db: target.name,
    count: entries.length,
    has_more: hasMore,
    next_before: hasMore ? (entries.at(-1)?.bookmark ?? null) : null,
    oldest: oldest === null ? null : momentMembers(oldest),
    commits: entries.map(commitMembers),
  });
}

async function status(context: RequestContext, services: Services): Promise<Reply> {
  const { databases, bytes, budgetBytes } = await services.timeMachine.archive.status(context.deadlineMs);
  const only = context.query.text('db') === '' ? null : services.timeMachine.nameOf(services.target(context));
  const shown = databases.filter(({ name }) => only === null || name === only);
  if (only !== null && shown.length === 0) throw new ApiError('NOT_ARCHIVED', 'the past of this database is not kept');
  return json({ success: true, databases: shown.map(archivedMembers), bytes, budget_bytes: budgetBytes });
}

async function rewind(context: RequestContext, services: Services, at: At): Promise<Reply> {
  const confirm = context.query.text('confirm');
  if (confirm !== '' && confirm !== 'yes') {
    throw new ApiError('INVALID_PARAMETERS', 'confirm must be "yes", or absent for a preview');
  }
  if (confirm === '') return await previewRewind(context, services, at);
  const startedMs = performance.now();
  const target = services.target(context);
  try {
    const done = await services.timeMachine.rewind(target, at, context.deadlineMs);
    return json({
      success: true,
      dry_run: false,
      db: target.name,
      changed: done.pages > 0,
      bookmark: done.bookmark,
      previous_bookmark: done.from.bookmark,
      to: momentMembers(done.to),
      pages: done.pages,
      held_ms: Math.round(done.heldMs),
      duration_ms: Math.round(performance.now() - startedMs),
      cursors_reset: done.areCursorsReset,
    });
  } catch (error) {
    throw error instanceof ApiError ? await services.namingHolder(error, target) : error;
  }
}

async function previewRewind(context: RequestContext, services: Services, at: At): Promise<Reply> {
  const { deadlineMs } = context;
  const target = services.target(context);
  const machine = services.timeMachine;
  await machine.settle(target, deadlineMs);
  const { moment, head, pages } = await machine.plan(target, at, deadlineMs);
  const to = { bookmark: moment.bookmark };
  const suspects = await suspectsOf(context, services, to, { bookmark: head.bookmark });
  const found = context.query.boolean('rows')
    ? inverted(await compareWithNow(context, services, to, { suspects, table: null, rows: 0, format: 'json' }))
    : null;
  const name = machine.nameOf(target);
  const locks = (await services.locks()).databases.find(({ db }) => db === name);
  const programs = new Map(locks?.holders.map(({ pid, command, container }) => [pid, { command, pid, container }]));
  return json({
    success: true,
    dry_run: true,
    db: target.name,
    from: momentMembers(head),
    to: momentMembers(moment),
    pages,
    commits_undone: Math.max(0, head.number - moment.number),
    is_complete: found?.isComplete ?? false,
    tables: found?.tables.map(tableMembers) ?? (suspects ?? []).map((table) => ({ table })),
    objects: found?.objects.map(({ type, name: object, change }) => ({ type, name: object, change })) ?? [],
    open_by: [...programs.values()],
  });
}

async function fork(context: RequestContext, services: Services): Promise<Reply> {
  const { query, deadlineMs } = context;
  const source = services.target(context);
  const target = services.resolve(query.text('to'));
  const at: At = query.text('at') === '' ? { head: true } : momentOf(context, 'at');
  if ('head' in at) await services.timeMachine.settle(source, deadlineMs);
  return await services.timeMachine.withState(source, at, deadlineMs, async ({ path, moment }) => {
    const { sizeBytes } = await services.runOnFile(file.fork, context, target.path, { source: path });
    const answer = {
      success: true,
      db: source.name,
      path: target.name,
      moment: momentMembers(moment),
      size: sizeBytes,
    };
    return json(answer, 201);
  });
}

interface Comparison {
  readonly suspects: readonly string[] | null;
  readonly table: string | null;
  readonly rows: number;
  readonly format: 'json' | 'sql';
}

async function diff(context: RequestContext, services: Services): Promise<Reply> {
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
async function suspectsOf(
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

function compareWithNow(
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
function inverted({ tables, objects, ...found }: DatabaseDiff): DatabaseDiff {
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

export function momentMembers({ bookmark, number, timeMs, databasePages, pageBytes }: Moment): Record<string, unknown> {
  const time = new Date(timeMs).toISOString();
  return { bookmark, number, time, database_pages: databasePages, page_size: pageBytes };
}

function commitMembers(entry: HistoryEntry): Record<string, unknown> {
  const { kind, writer, pages, tables, reason, rewoundTo } = entry;
  return {
    ...momentMembers(entry),
    kind,
    writer: writer === null ? null : writerMembers(writer),
    pages,
    ...(tables === undefined ? {} : { tables }),
    ...(reason === undefined ? {} : { reason }),
    ...(rewoundTo === undefined ? {} : { rewound_to: rewoundTo }),
  };
}

/** The program's name alone, as its arguments may hold secrets. */
function writerMembers({ pid, command, container }: Writer): Record<string, unknown> {
  const isExecutor = command.includes('server/executor/main.js');
  const [program = ''] = command.split(' ');
  return { pid, command: isExecutor ? executorName : program.slice(program.lastIndexOf('/') + 1), container };
}

function tableMembers(table: TableDiff): Record<string, unknown> {
  return {
    table: table.table,
    change: table.change,
    rows_added: table.rowsAdded,
    rows_removed: table.rowsRemoved,
    rows_changed: table.rowsChanged,
    columns_added: table.columnsAdded,
    columns_removed: table.columnsRemoved,
    is_complete: table.isComplete,
  };
}

function archivedMembers(database: ArchivedDatabase): Record<string, unknown> {
  const isoOrNull = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    name: database.name,
    state: database.state,
    ...(database.reason === undefined ? {} : { reason: database.reason }),
    commits: database.commits,
    oldest: isoOrNull(database.oldestMs),
    newest: isoOrNull(database.newestMs),
    bytes: database.bytes,
    lag_bytes: database.lagBytes,
    gaps: database.gaps,
  };
}

export const bookmarkHeader: Header = {
  name: 'X-Hoody-Bookmark',
  description: 'With at: of the state that was asked.',
};
