// Keys of key-value tables for the studio: the tree, a value, its versions.
import { kvLimits } from '../../../messages/kv-limits.ts';
import { studio } from '../../../messages/operations/studio.ts';
import type { QueryParameter } from '../../http/query.ts';
import type { Route } from '../../http/route.ts';
import { boolean, integer, list, nullable, object, oneOfTexts, rfc3339, text } from '../../http/schema.ts';
import { databaseErrors, dbParameter, timeoutParameter } from '../parameters.ts';
import { valueSchema } from './schemas.ts';

const valueType = oneOfTexts('text', 'json', 'binary');
const tablesSchema = object({ tables: list(object({ table: text, keys: integer, more: boolean })) });
const keysSchema = object({
  entries: list({
    anyOf: [
      object({ kind: oneOfTexts('prefix'), prefix: text, keys: integer, more: boolean }),
      object({
        kind: oneOfTexts('key'),
        key: text,
        type: valueType,
        bytes: integer,
        expires: nullable(rfc3339),
        modified: text,
      }),
    ],
  }),
  next: nullable(text),
});
export const kvValueSchema = object({
  key: text,
  value: valueSchema,
  type: valueType,
  contentType: nullable(text),
  bytes: integer,
  etag: nullable(text),
  expires: nullable(rfc3339),
  modified: nullable(rfc3339),
  exists: boolean,
});
export const kvHistorySchema = object({
  versions: list(object({ version: text, at: rfc3339, operation: text, exists: boolean, bytes: integer, who: text })),
  next: nullable(text),
});

const tableParameter: QueryParameter = {
  name: 'table',
  type: 'text',
  default: 'kv_store',
  description: 'The key-value table.',
};
const keyParameter: QueryParameter = { name: 'key', type: 'text', required: true, description: 'The key.' };
const cutDefault = 1024 * 1024;
const base = '/api/v1/sqlite/studio/kv';
const errors = [...databaseErrors, 'CONFLICT'] as const;
const pastErrors = [...errors, 'HISTORY_ENTRY_NOT_FOUND', 'TIME_TRAVEL_CHAIN_GAP', 'KEY_NOT_FOUND'] as const;

export const studioKvRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${base}/tables`,
    name: 'studioKvTables',
    summary: 'The key-value tables of a database',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'Keys are counted up to a bound.', schema: tablesSchema } },
    errors: [...errors],
    handle: async (context, services) => await services.run(studio.kvTables, context, {}),
  },
  {
    method: 'GET',
    path: `${base}/keys`,
    name: 'studioKvKeys',
    summary: 'One level of the tree of keys',
    tag: 'studio',
    access: 'read',
    query: [
      dbParameter,
      tableParameter,
      { name: 'prefix', type: 'text', default: '', description: 'Only keys that begin with this.' },
      {
        name: 'delimiter',
        type: 'text',
        default: '/',
        description: 'Ends a level. `none`: no levels, every key for itself.',
      },
      { name: 'after', type: 'text', default: '', description: '`next` of the page before.' },
      {
        name: 'limit',
        type: 'integer',
        min: 1,
        max: kvLimits.listMax,
        default: kvLimits.listDefault,
        description: 'Entries.',
      },
      { name: 'search', type: 'text', default: '', description: 'Only keys that contain this, without levels.' },
      timeoutParameter,
    ],
    replies: { 200: { description: 'Prefixes and keys in byte order.', schema: keysSchema } },
    errors: [...errors],
    handle: async (context, services) => {
      const { query } = context;
      const delimiter = query.text('delimiter');
      return await services.run(studio.kvKeys, context, {
        table: query.text('table'),
        prefix: query.text('prefix'),
        delimiter: delimiter === 'none' ? '' : delimiter || '/',
        after: query.text('after'),
        limit: query.integer('limit'),
        search: query.text('search'),
      });
    },
  },
  {
    method: 'GET',
    path: `${base}/key`,
    name: 'studioKvKey',
    summary: 'A value, now or as a version, with what is known of it',
    tag: 'studio',
    access: 'read',
    query: [
      dbParameter,
      tableParameter,
      keyParameter,
      { name: 'version', type: 'integer', min: 1, description: 'Of its history; without it, now.' },
      {
        name: 'cut',
        type: 'integer',
        min: 16,
        max: cutDefault * 8,
        default: cutDefault,
        description: 'Bytes of the value.',
      },
      {
        name: 'raw',
        type: 'boolean',
        default: false,
        description: 'Answer the whole value alone, with its content type.',
      },
      timeoutParameter,
    ],
    replies: {
      200: {
        description: 'The value. `exists` is false for a key that is not there.',
        schema: { anyOf: [kvValueSchema, { description: 'With `raw`, a value that is JSON.' }] },
        orBytes: '*/*',
      },
    },
    errors: [...pastErrors],
    handle: async (context, services) => {
      const { query } = context;
      const request = {
        table: query.text('table'),
        key: query.text('key'),
        version: query.optionalInteger('version') ?? null,
        cut: query.integer('cut'),
      };
      return await services.run(query.boolean('raw') ? studio.kvBytes : studio.kvValue, context, request);
    },
  },
  {
    method: 'GET',
    path: `${base}/history`,
    name: 'studioKvHistory',
    summary: 'The versions of a key, newest first, and who wrote each',
    tag: 'studio',
    access: 'read',
    query: [
      dbParameter,
      tableParameter,
      keyParameter,
      { name: 'before', type: 'integer', min: 1, description: '`next` of the page before.' },
      {
        name: 'limit',
        type: 'integer',
        min: 1,
        max: kvLimits.listMax,
        default: kvLimits.historyDefault,
        description: 'Versions.',
      },
      timeoutParameter,
    ],
    replies: { 200: { description: 'The versions.', schema: kvHistorySchema } },
    errors: [...pastErrors],
    handle: async (context, services) => {
      const { query } = context;
      return await services.run(studio.kvHistory, context, {
        table: query.text('table'),
        key: query.text('key'),
        before: query.optionalInteger('before') ?? null,
        limit: query.integer('limit'),
      });
    },
  },
];
