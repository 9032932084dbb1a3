// The rows of the key-value store: listing, reading, writing and deleting keys, and their time to live.

import { ApiError } from '../../messages/errors.ts';
import { kvLimits } from '../../messages/kv-limits.ts';
import { type GetArgs, kv } from '../../messages/operations/kv.ts';
import { kvPast } from '../../messages/operations/kv-past.ts';
import type { Reply } from '../../messages/reply.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { DescribedReply, Header, Route } from '../http/route.ts';
import { errorReference, nullable } from '../http/schema.ts';
import type { Services } from '../services.ts';
import { changeRoutes } from './changes.ts';
import { kvAtomicRoutes } from './kv-atomic.ts';
import { kvBatchRoutes } from './kv-batch.ts';
import { deleteFile, getFile, headFile, listDirectory, onDirectory, putFile } from './kv-directory.ts';
import {
  conditionsOf,
  done,
  etagHeader,
  ifNoneMatch,
  keyArgs,
  keyWriteHeaders,
  path,
  pathArg,
  readErrors,
  readParameters,
  tableOf,
  ttl,
  valueHeaders,
  writeArgs,
  writeErrors,
  writeOptions,
  writeParameters,
  written,
} from './kv-parameters.ts';
import { deletedSchema, entrySchema, expirySchema, listSchema, setSchema, valueSchema } from './kv-schemas.ts';
import { kvTimeTravelRoutes } from './kv-time-travel.ts';

const atTimestamp: QueryParameter = {
  name: 'at_timestamp',
  type: 'integer',
  min: 0,
  default: 0,
  description: 'What was at this Unix time in seconds; 0 for now.',
};

const rebuild: QueryParameter = {
  name: 'rebuild',
  type: 'boolean',
  default: false,
  description: 'Of a directory: forget the hashes of its files first.',
};

/** Of a file in a directory. */
const fileHeaders: readonly Header[] = [
  { name: 'X-Directory-Mode', description: '`true`: the value is a file of the directory that `db` names.' },
  { name: 'X-KV-Nesting-Depth', type: 'integer', description: 'Names in the key of a file.' },
  { name: 'X-File-Hash', description: 'SHA-256 of the file in hexadecimal; not with `path`.' },
];

const jsonPath: Header = { name: 'X-JSON-Path', description: 'The `path` that was asked for.' };

const notModified: DescribedReply = { description: 'Not modified.', headers: valueHeaders };

const listKeys: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv',
  name: 'kvList',
  summary: 'List keys in byte order, without their values.',
  tag: 'kv',
  access: 'read',
  query: [
    ...readParameters,
    { name: 'prefix', type: 'text', description: 'Only keys that begin with this.' },
    { name: 'limit', type: 'integer', min: 0, default: kvLimits.listDefault, description: 'At most 1000.' },
    { name: 'offset', type: 'integer', min: 0, default: 0, description: 'Keys to skip.' },
    { name: 'after', type: 'text', description: 'Only keys greater than this one; excludes offset.' },
    atTimestamp,
  ],
  replies: done('A page of keys.', listSchema),
  errors: readErrors,
  handle: async (context, services) => {
    const { query } = context;
    const after = query.text('after');
    const atSeconds = query.integer('at_timestamp');
    if (after !== '' && (query.integer('offset') > 0 || atSeconds > 0)) {
      throw new ApiError('INVALID_PARAMETERS', '"after" goes with neither "offset" nor "at_timestamp"');
    }
    const files = await onDirectory(context, services, (store) => listDirectory(context, store));
    if (files !== undefined) return files;
    if (atSeconds > 0) return listAt(context, services, atSeconds);
    const args = {
      table: tableOf(context),
      prefix: query.text('prefix'),
      limit: Math.min(query.integer('limit'), kvLimits.listMax),
      offset: query.integer('offset'),
      after,
    };
    return await services.run(kv.list, context, args);
  },
};

const getKey: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/{key}',
  name: 'kvGet',
  summary: 'Read a value, or a part of a JSON value.',
  tag: 'kv',
  access: 'read',
  query: [...readParameters, path, atTimestamp, rebuild],
  replies: {
    200: {
      description: 'The value as it was stored, with its content type.',
      contentType: '*/*',
      schema: valueSchema,
      headers: [...valueHeaders, jsonPath, ...fileHeaders],
    },
    304: notModified,
    400: {
      description: 'JSON null for a missing database that a write would create, unless the request says JSON.',
      schema: nullable(errorReference),
    },
    404: {
      description: 'JSON null unless Accept or Content-Type of the request say JSON.',
      schema: nullable(errorReference),
    },
  },
  headers: [ifNoneMatch],
  errors: [...readErrors, 'KEY_NOT_FOUND', 'KEY_EXPIRED', 'TIME_TRAVEL_CHAIN_GAP'],
  handle: async (context, services) => {
    const file = await onDirectory(context, services, (store) => getFile(context, services, store));
    if (file !== undefined) return file;
    const atSeconds = context.query.integer('at_timestamp');
    if (atSeconds > 0) return getAt(context, services, atSeconds);
    try {
      return await services.run(kv.get, context, getArgs(context, services.options.maxBodyBytes));
    } catch (error) {
      return missOrThrow(context, services, error);
    }
  },
};

const headKey: Route = {
  method: 'HEAD',
  path: '/api/v1/sqlite/kv/{key}',
  name: 'kvHead',
  summary: 'Look whether a key exists: the headers of GET, with type and length of the value.',
  tag: 'kv',
  access: 'read',
  query: [...readParameters, path, atTimestamp, rebuild],
  replies: {
    200: {
      description: 'The key exists.',
      headers: [...valueHeaders, jsonPath, ...fileHeaders],
    },
    304: notModified,
  },
  headers: [ifNoneMatch],
  errors: [...readErrors, 'KEY_NOT_FOUND', 'KEY_EXPIRED', 'TIME_TRAVEL_CHAIN_GAP'],
  handle: async (context, services) => {
    const file = await onDirectory(context, services, (store) => headFile(context, services, store));
    if (file !== undefined) return file;
    const atSeconds = context.query.integer('at_timestamp');
    if (atSeconds > 0) return getAt(context, services, atSeconds);
    return await services.run(kv.head, context, getArgs(context));
  },
};

const getEntry: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/kv/{key}/entry',
  name: 'kvEntry',
  summary: 'Read a value together with everything known of it.',
  tag: 'kv',
  access: 'read',
  query: readParameters,
  replies: {
    200: { description: 'Value, content type, ETag and times.', schema: entrySchema, headers: [etagHeader] },
    304: notModified,
  },
  headers: [ifNoneMatch],
  errors: [...readErrors, 'KEY_NOT_FOUND'],
  handle: async (context, services) =>
    await services.run(kv.entry, context, { ...keyArgs(context), ...ifNoneMatchArg(context) }),
};

const setKey: Route = {
  method: 'PUT',
  path: '/api/v1/sqlite/kv/{key}',
  name: 'kvSet',
  summary: 'Write a value, or a part of a JSON value.',
  tag: 'kv',
  access: 'write',
  query: [
    ...writeParameters,
    path,
    ttl,
    { name: 'if_match', type: 'text', description: 'Write only if the value is exactly this.' },
  ],
  body: { description: 'The value, stored byte for byte.', optional: true },
  headers: [
    ...keyWriteHeaders,
    { name: 'If-None-Match', description: '`*`: write only if the key does not exist; else 412.' },
  ],
  replies: written('Written.', setSchema, true),
  commits: 'headers',
  errors: [...writeErrors, 'INVALID_JSON_VALUE', 'NO_SPACE'],
  handle: async (context, services) => {
    const file = await onDirectory(context, services, (store) => putFile(context, store));
    if (file !== undefined) return file;
    const args = keyArgs(context);
    const body = await context.body();
    const contentType = context.headers['content-type'];
    const set = {
      ...writeArgs(context, body),
      ...args,
      ...pathArg(context),
      body,
      ...(contentType === undefined ? {} : { contentType }),
      ttlSeconds: context.query.integer('ttl'),
      conditions: conditionsOf(context),
    };
    return await services.run(kv.set, context, set, writeOptions(context, services, `KV SET ${args.key}`));
  },
};

const deleteKey: Route = {
  method: 'DELETE',
  path: '/api/v1/sqlite/kv/{key}',
  name: 'kvDelete',
  summary: 'Delete a key.',
  tag: 'kv',
  access: 'write',
  query: writeParameters,
  headers: keyWriteHeaders,
  replies: written('Deleted.', deletedSchema, false),
  commits: 'headers',
  errors: [...writeErrors, 'KEY_NOT_FOUND'],
  handle: async (context, services) => {
    const file = await onDirectory(context, services, (store) => deleteFile(context, store));
    if (file !== undefined) return file;
    const args = { ...writeArgs(context), ...keyArgs(context), conditions: conditionsOf(context) };
    return await services.run(kv.delete, context, args, writeOptions(context, services, `KV DELETE ${args.key}`));
  },
};

const expire: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/expire',
  name: 'kvExpire',
  summary: 'Give a key a time to live.',
  tag: 'kv',
  access: 'write',
  query: [...writeParameters, { ...ttl, min: 1, required: true }],
  headers: keyWriteHeaders,
  replies: written('The last second in which the key is there.', expirySchema, true),
  commits: 'headers',
  errors: [...writeErrors, 'KEY_NOT_FOUND'],
  handle: (context, services) => setExpiry(context, services, context.query.integer('ttl')),
};

const persist: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/persist',
  name: 'kvPersist',
  summary: 'End the time to live of a key.',
  tag: 'kv',
  access: 'write',
  query: writeParameters,
  headers: keyWriteHeaders,
  replies: written('The key stays.', expirySchema, true),
  commits: 'headers',
  errors: [...writeErrors, 'KEY_NOT_FOUND'],
  handle: (context, services) => setExpiry(context, services, null),
};

export const kvRoutes: readonly Route[] = [
  listKeys,
  getKey,
  headKey,
  setKey,
  deleteKey,
  getEntry,
  expire,
  persist,
  ...kvBatchRoutes,
  ...kvAtomicRoutes,
  ...kvTimeTravelRoutes,
  ...changeRoutes,
];

async function setExpiry(context: RequestContext, services: Services, ttlSeconds: number | null): Promise<Reply> {
  const args = { ...writeArgs(context), ...keyArgs(context), ttlSeconds, conditions: conditionsOf(context) };
  const what = `KV ${ttlSeconds === null ? 'PERSIST' : 'EXPIRE'} ${args.key}`;
  return await services.run(kv.expire, context, args, writeOptions(context, services, what));
}

function getAt(context: RequestContext, services: Services, atSeconds: number): Promise<Reply> {
  if (context.headers['if-none-match'] !== undefined) {
    throw new ApiError('INVALID_PARAMETERS', 'If-None-Match does not apply together with at_timestamp');
  }
  return services.run(kvPast.getAt, context, { ...keyArgs(context), atSeconds });
}

function listAt(context: RequestContext, services: Services, atSeconds: number): Promise<Reply> {
  const { query } = context;
  const args = {
    table: tableOf(context),
    atSeconds,
    prefix: query.text('prefix'),
    limit: Math.min(query.integer('limit'), kvLimits.listMax),
    offset: query.integer('offset'),
    after: '',
  };
  return services.run(kvPast.listAt, context, args);
}

/** Made step by step: an object of several objects would take a twentieth of a short GET. */
function getArgs(context: RequestContext, maxValueBytes?: number): GetArgs {
  const args: { -readonly [Name in keyof GetArgs]: GetArgs[Name] } = keyArgs(context);
  const path = context.query.raw('path') ?? '';
  const condition = context.headers['if-none-match'];
  if (path !== '') args.path = path;
  if (condition !== undefined) args.ifNoneMatch = condition;
  if (maxValueBytes !== undefined) args.maxValueBytes = maxValueBytes;
  return args;
}

function ifNoneMatchArg(context: RequestContext): { ifNoneMatch?: string } {
  const value = context.headers['if-none-match'];
  return value === undefined ? {} : { ifNoneMatch: value };
}

/**
 * A missing key is 404 for everybody. The body is JSON null for a plain client, as in `fetch(..).then(r => r.json())`,
 * and the error object for a client that says JSON in its headers. Where a write would create the file, a plain client
 * reads null from a missing file too: it is a store in which nothing is stored yet.
 */
function missOrThrow(context: RequestContext, services: Services, error: unknown): Reply {
  if (!(error instanceof ApiError)) throw error;
  const isMiss =
    error.code === 'KEY_NOT_FOUND' ||
    (error.code === 'DATABASE_NOT_FOUND' && context.createIfMissing(services.options.createOnWrite));
  const saysJson = [context.headers.accept, context.headers['content-type']].some((header) =>
    header?.includes('application/json'),
  );
  if (!isMiss || saysJson) throw error;
  return { status: error.status, body: 'null', headers: { 'x-hoody-error-code': error.code } };
}
