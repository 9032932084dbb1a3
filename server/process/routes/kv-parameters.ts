// What the rows of the key-value store share: their parameters, and how headers and query become operation arguments.

import { createHash } from 'node:crypto';
import { type Conditions, parseIfAbsent, parseIfMatch } from '../../messages/conditions.ts';
import { ApiError, type ErrorCode } from '../../messages/errors.ts';
import { checkKey } from '../../messages/kv-keys.ts';
import { kvLimits } from '../../messages/kv-limits.ts';
import type { Idempotency, WriteArgs } from '../../messages/operations/kv.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { DescribedReply, Header } from '../http/route.ts';
import type { Schema } from '../http/schema.ts';
import type { RunOptions, Services } from '../services.ts';
import { createParameters, databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';

export const defaultTable = 'kv_store';

export const table: QueryParameter = {
  name: 'table',
  type: 'text',
  default: defaultTable,
  description: 'The KV table.',
};
export const path: QueryParameter = {
  name: 'path',
  type: 'text',
  description: 'A path inside a JSON value: a.b, a[0].',
};
export const ttl: QueryParameter = {
  name: 'ttl',
  type: 'integer',
  min: 0,
  max: kvLimits.ttlMaxSeconds,
  default: 0,
  description: 'Seconds that the key stays at least, and less than one more; 0 for ever.',
};

export const readParameters: readonly QueryParameter[] = [dbParameter, table, timeoutParameter];

export const writeParameters: readonly QueryParameter[] = [
  ...readParameters,
  {
    name: 'history',
    type: 'boolean',
    default: true,
    description: 'false keeps only the fact of the write, not its value.',
  },
  ...createParameters,
];

export const readErrors: readonly ErrorCode[] = [...databaseErrors, 'CONFLICT'];

export const writeErrors: readonly ErrorCode[] = [
  ...databaseErrors,
  'CONFLICT',
  'DATABASE_READONLY',
  'PRECONDITION_FAILED',
  'PAYLOAD_TOO_LARGE',
  'IDEMPOTENT_RESPONSE_TOO_LARGE',
  'IDEMPOTENCY_KEY_MISMATCH',
];

export const ifMatch: Header = {
  name: 'If-Match',
  description: 'Write only if the ETag of the key is one of these, or `*` if the key exists; else 412.',
};
export const ifNoneMatch: Header = { name: 'If-None-Match', description: 'Answer 304 where the ETag is one of these.' };
const idempotencyKey: Header = {
  name: 'Idempotency-Key',
  description: 'A request with the same key is answered again, not done again, for 24 hours.',
};
/** Of a write to one key. */
export const keyWriteHeaders: readonly Header[] = [ifMatch, idempotencyKey];
/** Of a write to several keys, or to the past. */
export const writeHeaders: readonly Header[] = [idempotencyKey];

export const etagHeader: Header = { name: 'ETag', description: 'The version of the key.' };
const replayed: Header = { name: 'Idempotent-Replayed', description: '`true` for an answer that was kept.' };
/** What is known of a value beside its bytes. */
export const valueHeaders: readonly Header[] = [
  etagHeader,
  { name: 'Last-Modified', description: 'The second of the last write.' },
  { name: 'Cache-Control', description: '`no-cache`: a value may change at any time.' },
  { name: 'X-Created-At', type: 'integer', description: 'Unix time in seconds.' },
  { name: 'X-Updated-At', type: 'integer', description: 'Unix time in seconds.' },
  {
    name: 'X-Expire-At',
    type: 'integer',
    description: 'The last Unix second of the key; absent without a time to live.',
  },
];

export function done(description: string, schema: Schema): Readonly<Record<number, DescribedReply>> {
  return { 200: { description, schema } };
}

/** Of a write, which may be a replay; `hasEtag`: of one key. */
export function written(
  description: string,
  schema: Schema,
  hasEtag: boolean,
): Readonly<Record<number, DescribedReply>> {
  return { 200: { description, schema, headers: hasEtag ? [etagHeader, replayed] : [replayed] } };
}

export function tableOf(context: RequestContext): string {
  return context.query.text('table');
}

export function keyArgs(context: RequestContext): { table: string; key: string } {
  return { table: tableOf(context), key: checkKey(context.key) };
}

/** An absent or empty `path` means the whole value. */
export function pathArg(context: RequestContext): { path?: string } {
  const value = context.query.raw('path') ?? '';
  return value === '' ? {} : { path: value };
}

/** The conditional headers and the older `if_match` of a write. */
export function conditionsOf(context: RequestContext): Conditions {
  const ifMatch = context.headers['if-match'];
  const ifNoneMatch = context.headers['if-none-match'];
  const ifValue = context.query.declares('if_match') ? context.query.raw('if_match') : undefined;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: parseIfMatch(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifAbsent: parseIfAbsent(ifNoneMatch) }),
    ...(ifValue === undefined ? {} : { ifValue }),
  };
}

/** For operations on more than one key, or on the past. */
export function refuseConditions(context: RequestContext): void {
  if (context.headers['if-match'] !== undefined || context.headers['if-none-match'] !== undefined) {
    throw new ApiError('INVALID_PARAMETERS', 'If-Match and If-None-Match do not apply here');
  }
}

export function writeArgs(context: RequestContext, body: Buffer = Buffer.alloc(0)): WriteArgs {
  const idempotency = idempotencyOf(context, body);
  return {
    table: tableOf(context),
    history: context.query.boolean('history'),
    clientIp: context.clientIp,
    ...(idempotency === undefined ? {} : { idempotency }),
  };
}

/** `what` is the line that the query history shows. */
export function writeOptions(context: RequestContext, services: Services, what: string): RunOptions {
  return {
    create: context.createIfMissing(services.options.createOnWrite),
    record: { sql: what, isStatement: true, source: 'kv' },
  };
}

function idempotencyOf(context: RequestContext, body: Buffer): Idempotency | undefined {
  const key = context.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key === '' || key.length > kvLimits.idempotencyKeyChars) {
    throw new ApiError('INVALID_PARAMETERS', `Idempotency-Key has 1 to ${kvLimits.idempotencyKeyChars} characters`);
  }
  const { method, url, headers } = context.request;
  const digest = createHash('sha256');
  const parts = [method, url, headers['if-match'], headers['if-none-match'], headers['content-type']];
  digest.update(JSON.stringify(parts.map((part) => part ?? null)));
  digest.update(body);
  return { key, request: digest.digest('base64') };
}
