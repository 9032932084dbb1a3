// The past of whole databases over HTTP: its commits, rewinds, forks, differences.

import { ApiError } from '../../messages/errors.ts';
import { file } from '../../messages/operations/file.ts';
import { json, type Reply } from '../../messages/reply.ts';
import type { At } from '../../messages/time-machine.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Route } from '../http/route.ts';
import type { Services } from '../services.ts';
import { archiveErrors } from '../time-machine/archive.ts';
import { momentOf, momentParameter, timeOf } from './moments.ts';
import { databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';
import { compare, diff, inverted } from './time-machine-diff.ts';
import { archivedMembers, commitMembers, momentMembers, tableMembers } from './time-machine-members.ts';
import {
  archiveSchema,
  diffSchema,
  forkedSchema,
  historySchema,
  rewindPreviewSchema,
  rewindSchema,
} from './time-machine-schemas.ts';

const mostRows = 1_000;
const pastErrors = [...databaseErrors, ...archiveErrors, 'CONFLICT'] as const;

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
  const moments = [
    await machine.resolve(target, at, deadlineMs),
    await machine.resolve(target, { head: true }, deadlineMs),
  ] as const;
  const [moment, head] = moments;
  const [then, now] = [{ bookmark: moment.bookmark }, { bookmark: head.bookmark }];
  const [found, known] = context.query.boolean('rows')
    ? await compare(context, services, moments, 'rewind', { table: null, rows: 0, format: 'json' })
    : [null, null];
  const { pagesOfFrom: pages, tables } = known ?? (await machine.changedTables(target, then, now, deadlineMs));
  const undone = found === null ? null : inverted(found);
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
    is_complete: undone?.isComplete ?? false,
    tables: undone?.tables.map(tableMembers) ?? tables.map((table) => ({ table })),
    objects: undone?.objects.map(({ type, name: object, change }) => ({ type, name: object, change })) ?? [],
    open_by: [...programs.values()],
  });
}

async function fork(context: RequestContext, services: Services): Promise<Reply> {
  const { query, deadlineMs } = context;
  const source = services.target(context);
  const target = services.resolve(query.text('to'));
  const at: At = query.text('at') === '' ? { head: true } : momentOf(context, 'at');
  if ('head' in at) await services.timeMachine.settle(source, deadlineMs);
  return await services.timeMachine.withParts(source, at, deadlineMs, async (parts, moment) => {
    const { sizeBytes } = await services.unfinishedForks.with(target.path, (unfinishedName) =>
      services.runOnFile(file.fork, context, target.path, { parts, unfinishedName }),
    );
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
