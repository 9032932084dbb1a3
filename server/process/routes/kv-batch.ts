// The rows of the batch operations: up to 100 keys in one request.

import { kvLimits } from '../../messages/kv-limits.ts';
import { kv } from '../../messages/operations/kv.ts';
import type { Route } from '../http/route.ts';
import { anyJson, integer, list, object, oneOfTexts, optional, type Schema, text } from '../http/schema.ts';
import {
  done,
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
import { batchDeletedSchema, batchGetSchema, batchSetSchema } from './kv-schemas.ts';

const anyType = 'Whatever the Content-Type says.';
const bounded = (items: Schema): Schema => ({ ...list(items), minItems: 1, maxItems: kvLimits.batchEntries });
const keys = bounded(text);
const entriesOf = (value: Schema): Schema =>
  bounded(
    object({
      key: text,
      value,
      content_type: optional(text),
      ttl: optional(integer),
      if_match: optional(text),
      if_none_match: optional(oneOfTexts('*')),
    }),
  );

const batchGet: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/batch/get',
  name: 'kvBatchGet',
  summary: 'Read up to 100 keys in one snapshot.',
  tag: 'kv',
  access: 'read',
  query: readParameters,
  body: { description: `{"keys": [...]}. ${anyType}`, schema: object({ keys }) },
  replies: done('The values by key; null for a missing one.', batchGetSchema),
  errors: [...readErrors, 'PAYLOAD_TOO_LARGE'],
  handle: async (context, services) => {
    const args = { table: tableOf(context), body: await context.body() };
    return await services.run(kv.batchGet, context, args);
  },
};

const batchSet: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/batch/set',
  name: 'kvBatchSet',
  summary: 'Write up to 100 keys, all or none.',
  tag: 'kv',
  access: 'write',
  query: writeParameters,
  headers: writeHeaders,
  body: {
    description: `{"batch": [{key, value}]} with JSON values, or {"items": [...]} with strings. ${anyType}`,
    schema: { anyOf: [object({ batch: entriesOf(anyJson) }), object({ items: entriesOf(anyJson) })] },
  },
  replies: written('The new ETags.', batchSetSchema, false),
  commits: 'headers',
  errors: writeErrors,
  handle: async (context, services) => {
    refuseConditions(context);
    const body = await context.body();
    const args = { ...writeArgs(context, body), body };
    return await services.run(kv.batchSet, context, args, writeOptions(context, services, 'KV BATCH SET'));
  },
};

const batchDelete: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/batch/delete',
  name: 'kvBatchDelete',
  summary: 'Delete up to 100 keys, all conditions or none.',
  tag: 'kv',
  access: 'write',
  query: writeParameters,
  headers: writeHeaders,
  body: {
    description: `{"keys": [...]} or {"items": [{key, if_match}]}. ${anyType}`,
    schema: { anyOf: [object({ keys }), object({ items: bounded(object({ key: text, if_match: optional(text) })) })] },
  },
  replies: written('How many were there.', batchDeletedSchema, false),
  commits: 'headers',
  errors: writeErrors,
  handle: async (context, services) => {
    refuseConditions(context);
    const body = await context.body();
    const args = { ...writeArgs(context, body), body };
    return await services.run(kv.batchDelete, context, args, writeOptions(context, services, 'KV BATCH DELETE'));
  },
};

export const kvBatchRoutes: readonly Route[] = [batchGet, batchSet, batchDelete];
