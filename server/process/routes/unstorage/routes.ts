// The rows of the unstorage door: the protocol of unstorage's HTTP driver, on the values of the key-value store. A
// slash of the path is a colon of the key. https://unstorage.unjs.io/guide/http-server
import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../../../messages/bytes.ts';
import { ApiError } from '../../../messages/errors.ts';
import { checkKey } from '../../../messages/kv-keys.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { limits } from '../../../messages/limits.ts';
import { kv } from '../../../messages/operations/kv.ts';
import { type KeyPage, kvKeys } from '../../../messages/operations/kv-keys.ts';
import { checkSize, json, type Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Header, Route } from '../../http/route.ts';
import { boolean, integer, object, optional, succeeded, text } from '../../http/schema.ts';
import type { RunOptions, Services } from '../../services.ts';
import {
  conditionsOf,
  ifNoneMatch,
  keyWriteHeaders,
  readErrors,
  readParameters,
  tableOf,
  valueHeaders,
  writeArgs,
  writeErrors,
  writeOptions,
  writeParameters,
  written,
} from '../kv-parameters.ts';
import { setSchema, valueSchema } from '../kv-schemas.ts';
import { type Place, placeOf } from './place.ts';

const keysPerPage = 1000;

const xTtl: Header = { name: 'X-TTL', type: 'integer', description: 'Seconds that the key stays.' };
const withoutDb = (parameters: Route['query']) => parameters.filter(({ name }) => name !== 'db');

const get: Route = {
  method: 'GET',
  path: '/unstorage/{key}',
  name: 'unstorageGet',
  summary:
    'Read a value (/unstorage/app/a/b: the key a:b of app), or the names of all keys below one (/unstorage/app/a/:).',
  tag: 'kv',
  access: 'read',
  query: withoutDb(readParameters),
  headers: [ifNoneMatch],
  replies: {
    200: {
      description: 'The value with its content type, or an array of keys.',
      contentType: '*/*',
      schema: valueSchema,
      headers: [...valueHeaders, xTtl],
    },
    304: { description: 'Not modified.', headers: [...valueHeaders, xTtl] },
  },
  errors: [...readErrors, 'KEY_NOT_FOUND'],
  handle: async (context, services) => {
    const place = placeOf(context);
    if (place.isBase) return await listKeys(context, services, place);
    const args = { ...readArgs(context, place), maxValueBytes: services.options.maxBodyBytes };
    const reply = await orMissing(context, services, services.run(kv.get, context, args, databaseOf(services, place)));
    return withTtl(asText(context, reply));
  },
};

const head: Route = {
  method: 'HEAD',
  path: get.path,
  name: 'unstorageHead',
  summary: 'Look whether a key exists, when it was written, and how long it stays.',
  tag: 'kv',
  access: 'read',
  query: get.query,
  headers: [ifNoneMatch],
  replies: {
    200: { description: 'The key exists.', headers: [...valueHeaders, xTtl] },
    304: { description: 'Not modified.', headers: [...valueHeaders, xTtl] },
  },
  errors: [...readErrors, 'KEY_NOT_FOUND', 'KEY_EXPIRED'],
  handle: async (context, services) => {
    const place = keyPlace(context);
    const found = services.run(kv.head, context, readArgs(context, place), databaseOf(services, place));
    return withTtl(await orMissing(context, services, found));
  },
};

const put: Route = {
  method: 'PUT',
  path: get.path,
  name: 'unstorageSet',
  summary: 'Write a value.',
  tag: 'kv',
  access: 'write',
  query: withoutDb(writeParameters),
  headers: [
    ...keyWriteHeaders,
    { name: 'If-None-Match', description: '`*`: write only if the key does not exist; else 412.' },
    { ...xTtl, description: 'Seconds that the key stays at least; absent or 0 for ever.' },
  ],
  body: { description: 'The value, stored byte for byte.', optional: true },
  replies: written('Written.', setSchema, true),
  commits: 'headers',
  errors: writeErrors,
  handle: async (context, services) => {
    const place = keyPlace(context);
    const ttlSeconds = ttlOf(context);
    const body = await context.body();
    const args = {
      ...writeArgs(context, body),
      key: place.key,
      body,
      contentType: typeOf(context),
      ttlSeconds,
      conditions: conditionsOf(context),
    };
    return await services.run(kv.set, context, args, writing(context, services, place, `KV SET ${place.key}`));
  },
};

const remove: Route = {
  method: 'DELETE',
  path: get.path,
  name: 'unstorageDelete',
  summary: 'Delete a key, or all keys below one (/unstorage/app/a/:). It need not be there.',
  tag: 'kv',
  access: 'write',
  query: put.query,
  headers: keyWriteHeaders,
  replies: written(
    'Deleted, or not there.',
    object({ success: succeeded, deleted: { anyOf: [boolean, integer] }, etag: optional(text) }),
    true,
  ),
  commits: 'headers',
  errors: writeErrors,
  handle: async (context, services) => {
    const place = placeOf(context);
    if (place.isBase) return await clear(context, services, place);
    const args = { ...writeArgs(context), key: checkKey(place.key), conditions: conditionsOf(context) };
    try {
      return await services.run(kv.delete, context, args, writing(context, services, place, `KV DELETE ${place.key}`));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'KEY_NOT_FOUND') return json({ success: true, deleted: false });
      throw error;
    }
  },
};

export const unstorageRoutes: readonly Route[] = [get, head, put, remove];

/** @throws ApiError INVALID_PARAMETERS for what stands for several keys */
function keyPlace(context: RequestContext): Place {
  const place = placeOf(context);
  if (place.isBase)
    throw new ApiError('INVALID_PARAMETERS', 'the path names several keys; only GET and DELETE take it');
  return { ...place, key: checkKey(place.key) };
}

function readArgs(context: RequestContext, { key }: Place) {
  const tags = context.headers['if-none-match'];
  return { table: tableOf(context), key: checkKey(key), ...(tags === undefined ? {} : { ifNoneMatch: tags }) };
}

function databaseOf(services: Services, { database }: Place): { readonly database: ReturnType<Services['resolve']> } {
  return { database: services.resolve(database) };
}

function writing(context: RequestContext, services: Services, place: Place, what: string): RunOptions {
  return { ...writeOptions(context, services, what), ...databaseOf(services, place) };
}

/** Where a write would create the file, a missing one is a store in which nothing is stored yet. */
async function orMissing<Answer>(context: RequestContext, services: Services, found: Promise<Answer>): Promise<Answer> {
  try {
    return await found;
  } catch (error) {
    const isMissing = error instanceof ApiError && error.code === 'DATABASE_NOT_FOUND';
    if (!isMissing || !context.createIfMissing(services.options.createOnWrite)) throw error;
    throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  }
}

async function listKeys(context: RequestContext, services: Services, place: Place): Promise<Reply> {
  const keys: string[] = [];
  let bytes = 0;
  for (let after: string | null = ''; after !== null; ) {
    const page: KeyPage = await keyPage(context, services, place, after);
    for (const key of page.keys) bytes += Buffer.byteLength(key) + 3;
    checkSize(bytes, limits.responseBytes);
    keys.push(...page.keys);
    after = page.next;
  }
  return json(keys);
}

async function keyPage(context: RequestContext, services: Services, place: Place, after: string): Promise<KeyPage> {
  const args = { table: tableOf(context), prefix: place.key, after, limit: keysPerPage };
  try {
    return await orMissing(context, services, services.run(kvKeys.page, context, args, databaseOf(services, place)));
  } catch (error) {
    if (error instanceof ApiError && error.code === 'KEY_NOT_FOUND') return { keys: [], next: null };
    throw error;
  }
}

/** In transactions that are over soon. */
async function clear(context: RequestContext, services: Services, place: Place): Promise<Reply> {
  const limit: number = kvLimits.clearedKeys;
  const args = { table: tableOf(context), prefix: place.key, clientIp: context.clientIp, limit };
  const options = writing(context, services, place, `KV CLEAR ${place.key}`);
  let deleted = 0;
  for (let last = limit; last === limit; deleted += last)
    last = await services.run(kvKeys.clear, context, args, options);
  return json({ success: true, deleted });
}

/** The driver labels every text as JSON: what fetch says of a text lets the executor look which it is. */
function typeOf({ headers }: RequestContext): string {
  const sent = headers['content-type'] ?? '';
  return sent === '' || /^application\/json\s*(;|$)/i.test(sent) ? 'text/plain;charset=UTF-8' : sent;
}

function ttlOf({ headers }: RequestContext): number {
  const sent = headers['x-ttl'];
  if (sent === undefined || sent === '') return 0;
  const seconds = Math.ceil(Number(sent));
  if (seconds >= 0 && seconds <= kvLimits.ttlMaxSeconds) return seconds;
  throw new ApiError('INVALID_PARAMETERS', `X-TTL must be a number of seconds from 0 to ${kvLimits.ttlMaxSeconds}`);
}

/** The driver would make a Blob of bytes without a type, unless it asks for bytes. */
function asText({ headers }: RequestContext, reply: Reply): Reply {
  if (reply.contentType !== 'application/octet-stream' || headers.accept === 'application/octet-stream') return reply;
  const isText = reply.body !== null && (typeof reply.body === 'string' || isUtf8(asBuffer(reply.body)));
  return isText ? { ...reply, contentType: 'text/plain; charset=utf-8' } : reply;
}

function withTtl(reply: Reply): Reply {
  const lastSecond = reply.headers?.['x-expire-at'];
  if (lastSecond === undefined) return reply;
  const left = Math.max(0, Number(lastSecond) - Math.floor(Date.now() / 1000));
  return { ...reply, headers: { ...reply.headers, 'x-ttl': String(left) } };
}
