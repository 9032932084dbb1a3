// The rows of time travel: the history of a key, and the past of a whole table.

import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json, parseJsonBody } from '../../messages/json.ts';
import { kvLimits } from '../../messages/kv-limits.ts';
import { kvPast, type TableRollbackArgs, type TableRollbackPlan } from '../../messages/operations/kv-past.ts';
import type { Reply } from '../../messages/reply.ts';
import { unicodeProblem } from '../../messages/unicode.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Route } from '../http/route.ts';
import { list, nullable, object, optional, text } from '../http/schema.ts';
import type { HistoryRecord, Services } from '../services.ts';
import {
  done,
  keyArgs,
  readErrors,
  readParameters,
  refuseConditions,
  tableOf,
  writeArgs,
  writeErrors,
  writeHeaders,
  writeOptions,
  writeParameters,
  written,
} from './kv-parameters.ts';
import {
  diffSchema,
  historySchema,
  rollbackSchema,
  snapshotSchema,
  tableRollbackSchema,
  tableSnapshotSchema,
} from './kv-schemas.ts';

const prefix: QueryParameter = { name: 'prefix', type: 'text', description: 'Only keys that begin with this.' };

function moment(name: string): QueryParameter {
  return { name, type: 'integer', required: true, min: 1, description: 'Unix time in seconds, not in the future.' };
}

const keyHistory: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/{key}/history',
  name: 'kvHistory',
  summary: 'What was done to a key, newest first, with the values before and after.',
  tag: 'kv',
  access: 'read',
  query: [
    ...readParameters,
    {
      name: 'limit',
      type: 'integer',
      min: 0,
      default: kvLimits.historyDefault,
      description: 'At most 1000; 0 for the default.',
    },
  ],
  replies: done(
    'The operations; none for a key that was never written. client is http (see client_ip), or native, with program, pid and container where they are known: native:python3[4711]@3f2a9c01d2b4.',
    historySchema,
  ),
  errors: [...readErrors],
  handle: async (context, services) => {
    const limit = context.query.integer('limit') || kvLimits.historyDefault;
    const args = { ...keyArgs(context), limit: Math.min(limit, kvLimits.listMax) };
    return await services.run(kvPast.history, context, args);
  },
};

const keySnapshot: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/{key}/snapshot',
  name: 'kvSnapshot',
  summary: 'The value of a key after one of its operations.',
  tag: 'kv',
  access: 'read',
  query: [
    ...readParameters,
    { name: 'op_number', type: 'integer', required: true, min: 1, description: 'From the history.' },
  ],
  replies: done('The value.', snapshotSchema),
  errors: [...readErrors, 'KEY_NOT_FOUND', 'HISTORY_ENTRY_NOT_FOUND', 'TIME_TRAVEL_CHAIN_GAP'],
  handle: async (context, services) => {
    const args = { ...keyArgs(context), opNumber: context.query.integer('op_number') };
    return await services.run(kvPast.snapshot, context, args);
  },
};

const keyRollback: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/rollback',
  name: 'kvRollback',
  summary: 'Undo the newest operations of a key and take them out of its history.',
  tag: 'kv',
  access: 'write',
  query: [
    ...writeParameters,
    { name: 'steps', type: 'integer', min: 1, max: kvLimits.rollbackSteps, default: 1, description: 'How many.' },
  ],
  headers: writeHeaders,
  replies: written('How many were undone.', rollbackSchema, false),
  commits: 'headers',
  errors: [...writeErrors, 'HISTORY_ENTRY_NOT_FOUND', 'TIME_TRAVEL_CHAIN_GAP'],
  handle: async (context, services) => {
    refuseConditions(context);
    const args = { ...writeArgs(context), ...keyArgs(context), steps: context.query.integer('steps') };
    const options = writeOptions(context, services, `KV ROLLBACK ${args.key}`);
    return await services.run(kvPast.rollback, context, args, options);
  },
};

const tableSnapshot: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/snapshot',
  name: 'kvTableSnapshot',
  summary: 'All keys of a table, or those of a prefix, with their values at a time.',
  tag: 'kv',
  access: 'read',
  query: [
    ...readParameters,
    moment('timestamp'),
    prefix,
    { name: 'limit', type: 'integer', min: 0, default: kvLimits.listDefault, description: 'At most 1000; 0 for all.' },
    {
      name: 'after',
      type: 'text',
      description: 'Only keys after this one: the next_after of an answer that was not all.',
    },
  ],
  replies: done(
    `The keys and values. One answer looks at ${kvLimits.scannedKeys} keys; candidate_truncated says that there are more, which total_keys_at_snapshot then leaves out. next_after is the "after" of the next call, null where this was all.`,
    tableSnapshotSchema,
  ),
  errors: [...readErrors],
  handle: async (context, services) => {
    const { query } = context;
    const args = {
      table: tableOf(context),
      atSeconds: query.integer('timestamp'),
      prefix: query.text('prefix'),
      limit: Math.min(query.integer('limit'), kvLimits.listMax),
      offset: 0,
      after: query.text('after'),
    };
    return await services.run(kvPast.tableSnapshot, context, args);
  },
};

const tableDiff: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/diff',
  name: 'kvDiff',
  summary: 'What changed between two times.',
  tag: 'kv',
  access: 'read',
  query: [
    ...readParameters,
    moment('from'),
    moment('to'),
    { name: 'keys', type: 'text', description: 'Only these keys, separated by commas.' },
    {
      name: 'after',
      type: 'text',
      description: 'Only keys after this one: the next_after of an answer that was cut short.',
    },
  ],
  replies: done(
    `Keys created, modified and deleted. One answer looks at ${kvLimits.scannedKeys} keys; when there are more, candidate_truncated is true and next_after is the "after" of the next call (else null). The numbers are of the keys up to there.`,
    diffSchema,
  ),
  errors: [...readErrors],
  handle: async (context, services) => {
    const { query } = context;
    const keys = query
      .text('keys')
      .split(',')
      .filter((key) => key !== '');
    const args = {
      table: tableOf(context),
      fromSeconds: query.integer('from'),
      toSeconds: query.integer('to'),
      keys,
      after: query.text('after'),
    };
    return await services.run(kvPast.diff, context, args);
  },
};

const tableRollback: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/rollback',
  name: 'kvTableRollback',
  summary: 'Return a table to a time; shows what would happen unless confirm=yes.',
  tag: 'kv',
  access: 'write',
  query: [
    ...writeParameters,
    moment('to_timestamp'),
    { name: 'dry_run', type: 'boolean', default: false, description: 'Only show.' },
    { name: 'confirm', type: 'text', description: '"yes" to do it.' },
  ],
  body: {
    description: '{"keys": [...], "exclude_keys": [...]}; without them the whole table.',
    optional: true,
    schema: object({ keys: optional(nullable(list(text))), exclude_keys: optional(nullable(list(text))) }),
  },
  headers: writeHeaders,
  replies: written('What was done, or would be.', tableRollbackSchema, false),
  commits: 'headers',
  errors: [...writeErrors, 'TIME_TRAVEL_CHAIN_GAP'],
  handle: async (context, services) => {
    refuseConditions(context);
    const { query } = context;
    const confirm = query.text('confirm');
    if (confirm !== '' && confirm !== 'yes') {
      throw new ApiError('INVALID_PARAMETERS', 'confirm must be "yes", or absent for a preview');
    }
    const isDryRun = confirm === '' || query.boolean('dry_run');
    const body = await context.body();
    const args = { ...writeArgs(context, body), toSeconds: query.integer('to_timestamp'), ...keyFilter(body) };
    const answer = isDryRun
      ? services.run(kvPast.tableRollbackPreview, context, args)
      : rollBackTable(context, services, args);
    return await answer.catch((error: unknown) => Promise.reject(withMessage(error)));
  },
};

/** Nobody has to wait for a look at every key: the plan is made before the write begins. */
async function rollBackTable(context: RequestContext, services: Services, args: TableRollbackArgs): Promise<Reply> {
  const { create = false, record } = writeOptions(context, services, `KV ROLLBACK TO ${args.toSeconds}`);
  const plan = await planRollback(context, services, args, create, record);
  return await services.run(kvPast.tableRollback, context, { ...args, plan }, { create, ...(record && { record }) });
}

/** null where the write itself must say what there is to do: a kept answer is given again, a database is created. */
async function planRollback(
  context: RequestContext,
  services: Services,
  args: TableRollbackArgs,
  create: boolean,
  record: HistoryRecord | undefined,
): Promise<TableRollbackPlan | null> {
  if (args.idempotency !== undefined) {
    return await services.run(kvPast.planTableRollback, context, args).catch(() => null);
  }
  try {
    const options = record === undefined ? {} : { record: { ...record, onlyIfFailed: true } };
    return await services.run(kvPast.planTableRollback, context, args, options);
  } catch (error) {
    if (create && error instanceof ApiError && error.code === 'DATABASE_NOT_FOUND') return null;
    throw error;
  }
}

export const kvTimeTravelRoutes: readonly Route[] = [
  keyHistory,
  keySnapshot,
  keyRollback,
  tableSnapshot,
  tableDiff,
  tableRollback,
];

/** Clients of a table rollback look for the code in `error` and for the sentence in `message`. */
function withMessage(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.code !== 'TIME_TRAVEL_CHAIN_GAP') return error;
  return new ApiError(error.code, error.code, { members: { message: error.message }, cause: error });
}

function keyFilter(body: Buffer): { keys: string[]; excludeKeys: string[] } {
  const value: Json = body.length === 0 ? {} : parseJsonBody(body, 'INVALID_PARAMETERS');
  if (!isObject(value)) throw new ApiError('INVALID_PARAMETERS', 'the body must be an object, or empty');
  return { keys: keyList(value.keys, 'keys'), excludeKeys: keyList(value.exclude_keys, 'exclude_keys') };
}

function keyList(value: Json | undefined, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((key) => typeof key === 'string')) {
    throw new ApiError('INVALID_PARAMETERS', `"${name}" must be an array of keys`);
  }
  if (value.length > kvLimits.rollbackKeys) {
    throw new ApiError('PAYLOAD_TOO_LARGE', `"${name}" has at most ${kvLimits.rollbackKeys} keys`);
  }
  for (const [index, key] of value.entries()) {
    const problem = unicodeProblem(key);
    if (problem !== null) throw new ApiError('INVALID_PARAMETERS', `${name}[${index}] ${problem}`);
  }
  return value;
}
