// Databases as files: create, delete, list, their size, maintenance.

import { isAbsolute, join, normalize } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json, type JsonObject, parseJsonBody } from '../../messages/json.ts';
import { database } from '../../messages/operations/database.ts';
import { file, type ListPage } from '../../messages/operations/file.ts';
import { errorReply, json, type Reply } from '../../messages/reply.ts';
import { secondsText } from '../../messages/time-text.ts';
import type { RequestContext } from '../http/context.ts';
import type { Route } from '../http/route.ts';
import {
  boolean,
  errorReference,
  integer,
  list,
  nullable,
  object,
  oneOfTexts,
  optional,
  rfc3339,
  succeeded,
  text,
  unixSeconds,
} from '../http/schema.ts';
import type { Services } from '../services.ts';
import { defaultTable } from './kv-parameters.ts';
import { databaseErrors, dbParameter, noDatabase, timeoutParameter } from './parameters.ts';

const createdSchema = object({
  success: succeeded,
  message: text,
  path: { ...text, description: 'As sent.' },
  size: { ...integer, description: 'Bytes.' },
  kv_table: text,
  tables: list(text),
});
/** Databases of a page. */
const pageLimit = 10_000;
const deletedSchema = object({ success: succeeded, message: text, path: text, files_removed: integer });
const listSchema = object({
  success: succeeded,
  dir: text,
  count: integer,
  next_after: optional({ ...nullable(text), description: 'Only of pages. null: this was the last one.' }),
  databases: nullable(
    list(
      object({
        name: text,
        path: text,
        size: { ...integer, description: 'Bytes.' },
        size_str: text,
        modified: rfc3339,
        mod_unix: unixSeconds,
        is_valid: { ...boolean, description: 'Begins as an SQLite database does.' },
      }),
    ),
  ),
});
const sums = { value_bytes: integer, history_bytes: integer, feed_bytes: integer };
const statsSchema = object({
  success: succeeded,
  size_bytes: integer,
  free_bytes: integer,
  ...sums,
  tables: list(object({ table: text, keys: integer, operations: integer, ...sums })),
});
const operations = ['quick_check', 'wal_checkpoint_truncate', 'vacuum_into', 'reset_changes'] as const;
const maintenanceSchema = object({ op: oneOfTexts(...operations), result: text });

export const databaseRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/db/create',
    name: 'createDatabase',
    summary: 'Create a database in WAL mode',
    tag: 'database',
    access: 'write',
    query: [
      { ...dbParameter, name: 'path' },
      { name: 'init_kv', type: 'boolean', default: false, description: 'Also create the key-value table.' },
      { name: 'kv_table', type: 'text', default: defaultTable, description: 'Name of the key-value table.' },
      timeoutParameter,
    ],
    replies: { 201: { description: 'Created.', schema: createdSchema } },
    errors: [...databaseErrors, 'DATABASE_EXISTS', 'CONFLICT', 'DATABASE_READONLY'],
    handle: create,
  },
  {
    method: 'DELETE',
    path: '/api/v1/sqlite/db',
    name: 'deleteDatabase',
    summary: 'Delete a database and its sidecar files',
    tag: 'database',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'Deleted.', schema: deletedSchema }, 404: noDatabase },
    errors: [...databaseErrors, 'DELETE_INCOMPLETE'],
    handle: remove,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/list',
    name: 'listDatabases',
    summary: 'Database files of a directory, newest first, or a page of them by name',
    tag: 'database',
    access: 'read',
    query: [
      { name: 'dir', type: 'text', description: 'Absolute; default the root.' },
      {
        name: 'limit',
        type: 'integer',
        min: 1,
        max: pageLimit,
        description: `At most so many, ordered by name; default ${pageLimit} where \`after\` is given, else all.`,
      },
      { name: 'after', type: 'text', description: 'Only names after this one: `next_after` of the page before.' },
      timeoutParameter,
    ],
    replies: { 200: { description: 'databases is null when there are none.', schema: listSchema } },
    errors: ['INVALID_PARAMETERS', 'INVALID_DB_PATH', 'INTERNAL_ERROR', 'REQUEST_TIMEOUT', 'RESPONSE_TOO_LARGE'],
    handle: listDirectory,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/stats',
    name: 'databaseStats',
    summary: 'What values, history, change feed and free pages of a database take, in bytes.',
    tag: 'database',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'The sums, and each KV table.', schema: statsSchema } },
    errors: [...databaseErrors, 'CONFLICT'],
    handle: async (context, services) => await services.run(database.stats, context, {}),
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/maintenance',
    name: 'maintenance',
    summary: 'Check, checkpoint or copy a database',
    tag: 'database',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    body: {
      description: 'What to do.',
      schema: object({
        op: oneOfTexts(...operations),
        dest_path: optional({ ...text, description: 'Only for vacuum_into.' }),
      }),
    },
    replies: {
      200: { description: 'Done.', schema: maintenanceSchema },
      404: noDatabase,
      409: {
        description: 'The target of a copy exists, or somebody uses the write-ahead log.',
        schema: errorReference,
        headers: [{ name: 'Retry-After', type: 'integer', description: 'Of a checkpoint that may be tried again.' }],
      },
    },
    errors: [...databaseErrors, 'CONFLICT'],
    handle: maintain,
  },
];

async function create(context: RequestContext, services: Services): Promise<Reply> {
  const { query } = context;
  const target = services.resolve(query.text('path'));
  const kvTable = query.text('kv_table') || defaultTable;
  try {
    const args = { kvTable: query.boolean('init_kv') ? kvTable : null };
    const created = await services.runOnFile(file.create, context, target.path, args);
    return json(
      {
        success: true,
        message: 'database created',
        path: target.name,
        size: created.sizeBytes,
        kv_table: kvTable,
        tables: created.tables,
      },
      201,
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'DATABASE_EXISTS') throw error;
    throw new ApiError(error.code, error.message, { members: { path: target.name, exists: true }, cause: error });
  }
}

async function remove(context: RequestContext, services: Services): Promise<Reply> {
  const target = services.target(context);
  services.forgetHistory(target);
  const { filesRemoved } = await orNotFound(services.runOnFile(file.delete, context, target.path, {}), {});
  return json({ success: true, message: 'database deleted', path: target.name, files_removed: filesRemoved });
}

async function listDirectory(context: RequestContext, services: Services): Promise<Reply> {
  const dir = context.query.text('dir') || services.options.root;
  if (!isAbsolute(dir) || dir.includes('\0')) throw new ApiError('INVALID_PARAMETERS', 'dir must be an absolute path');
  const page = pageOf(context);
  const { databases: found, nextAfter } = await services.runOnFile(file.list, context, normalize(dir), { page });
  const databases = found.map(({ name, sizeBytes, modifiedMs, isValid }) => ({
    name,
    path: join(dir, name),
    size: sizeBytes,
    size_str: sizeText(sizeBytes),
    modified: secondsText(new Date(modifiedMs)),
    mod_unix: Math.floor(modifiedMs / 1000),
    is_valid: isValid,
  }));
  return json({
    success: true,
    dir,
    count: databases.length,
    ...(page === null ? {} : { next_after: nextAfter }),
    databases: databases.length === 0 ? null : databases,
  });
}

/** null: everything is wanted. */
function pageOf({ query }: RequestContext): ListPage | null {
  const limit = query.optionalInteger('limit');
  if (limit === undefined && !query.has('after')) return null;
  return { limit: limit ?? pageLimit, after: query.text('after') };
}

async function maintain(context: RequestContext, services: Services): Promise<Reply> {
  services.target(context);
  const body = await context.body();
  const { op, dest_path: destination } = asMembers(parseJsonBody(body, 'INVALID_PARAMETERS'));
  if (destination !== undefined && destination !== null && op !== 'vacuum_into') {
    throw new ApiError('INVALID_PARAMETERS', 'dest_path is only for vacuum_into');
  }
  const members = { reqIdx: -1 };
  switch (op) {
    case 'quick_check':
      return json({ op, result: await orNotFound(services.run(database.quickCheck, context, {}), members) });
    case 'wal_checkpoint_truncate':
      return await runCheckpoint(context, services);
    case 'vacuum_into': {
      if (typeof destination !== 'string') throw new ApiError('INVALID_PARAMETERS', 'vacuum_into needs a dest_path');
      const { path } = services.resolve(destination);
      return json({
        op,
        result: await orNotFound(services.run(database.vacuumInto, context, { destination: path }), members),
      });
    }
    case 'reset_changes':
      return json({ op, result: await orNotFound(services.run(database.resetChanges, context, {}), members) });
    default:
      throw new ApiError(
        'INVALID_PARAMETERS',
        'op must be quick_check, wal_checkpoint_truncate, vacuum_into or reset_changes',
        { members },
      );
  }
}

/** A checkpoint that somebody blocks may be tried again: the one 409 with Retry-After. */
async function runCheckpoint(context: RequestContext, services: Services): Promise<Reply> {
  try {
    const result = await orNotFound(services.run(database.checkpoint, context, {}), { reqIdx: -1 });
    return json({ op: 'wal_checkpoint_truncate', result });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'CONFLICT') throw error;
    const reply = errorReply(error);
    return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } };
  }
}

/** Here a missing database is 404. */
async function orNotFound<Result>(work: Promise<Result>, members: Readonly<Record<string, unknown>>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const status = error.code === 'DATABASE_NOT_FOUND' ? 404 : error.status;
    throw new ApiError(error.code, error.message, { status, members: { ...error.members, ...members }, cause: error });
  }
}

function asMembers(body: Json): JsonObject {
  if (isObject(body)) return body;
  throw new ApiError('INVALID_PARAMETERS', 'the body must be a JSON object', { members: { reqIdx: -1 } });
}

function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${size.toFixed(1)} ${units[unit]}`;
}
