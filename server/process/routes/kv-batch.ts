// The rows of the batch operations: up to 100 keys in one request.

import { kvBatchDelete, kvBatchGet, kvBatchSet } from '../../executor/kv/store/batch.ts';
import type { Route } from '../http/route.ts';
import {
  done,
  jsonBody,
  readErrors,
  readParameters,
  refuseConditions,
  tableOf,
  toReply,
  writeArgs,
  writeErrors,
  writeOptions,
  writeParameters,
} from './kv-parameters.ts';

const batchGet: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/batch/get',
  name: 'kvBatchGet',
  summary: 'Read up to 100 keys in one snapshot.',
  tag: 'kv',
  access: 'read',
  query: readParameters,
  body: { ...jsonBody, sense: '{"keys": [...]}' },
  answers: done('The values by key; null for a missing one.'),
  errors: [...readErrors, 'PAYLOAD_TOO_LARGE', 'RESPONSE_TOO_LARGE'],
  handle: async (context, services) => {
    const args = { table: tableOf(context), body: await context.body() };
    return toReply(await services.run(kvBatchGet, context, args));
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
  body: { ...jsonBody, sense: '{"batch": [{key, value}]} with JSON values, or {"items": [...]} with strings.' },
  answers: done('The new ETags.'),
  errors: writeErrors,
  handle: async (context, services) => {
    refuseConditions(context);
    const body = await context.body();
    const args = { ...writeArgs(context, body), body };
    return toReply(
      await services.run(kvBatchSet, context, args, writeOptions(context, services, 'KV BATCH SET', body.length)),
    );
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
  body: { ...jsonBody, sense: '{"keys": [...]} or {"items": [{key, if_match}]}' },
  answers: done('How many were there.'),
  errors: writeErrors,
  handle: async (context, services) => {
    refuseConditions(context);
    const body = await context.body();
    const args = { ...writeArgs(context, body), body };
    return toReply(
      await services.run(kvBatchDelete, context, args, writeOptions(context, services, 'KV BATCH DELETE')),
    );
  },
};

export const kvBatchRoutes: readonly Route[] = [batchGet, batchSet, batchDelete];
