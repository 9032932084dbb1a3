// The rows of counters and lists.

import { ApiError } from '../../messages/errors.ts';
import { kv } from '../../messages/operations/kv.ts';
import type { RequestContext } from '../http/context.ts';
import type { Route } from '../http/route.ts';
import { anyJson, object } from '../http/schema.ts';
import {
  conditionsOf,
  keyArgs,
  keyWriteHeaders,
  path,
  pathArg,
  writeArgs,
  writeErrors,
  writeOptions,
  writeParameters,
  written,
} from './kv-parameters.ts';
import { counterSchema, popSchema, pushSchema, removeSchema } from './kv-schemas.ts';

function counterRoute(op: 'INCR' | 'DECR'): Route {
  return {
    method: 'POST',
    path: `/api/v1/sqlite/kv/{key}/${op.toLowerCase()}`,
    name: op === 'INCR' ? 'kvIncr' : 'kvDecr',
    summary: `${op === 'INCR' ? 'Add to' : 'Subtract from'} a counter; a missing key starts at 0.`,
    tag: 'kv',
    access: 'write',
    query: [
      ...writeParameters,
      path,
      { name: 'delta', type: 'integer', default: 1, description: 'A positive integer.' },
    ],
    headers: keyWriteHeaders,
    replies: written('The new value.', counterSchema, true),
    commits: 'headers',
    errors: writeErrors,
    handle: async (context, services) => {
      const delta = context.query.integer('delta');
      if (delta <= 0) throw new ApiError('INVALID_PARAMETERS', 'delta must be a positive integer');
      const args = { ...atomicArgs(context), op, delta: BigInt(delta) };
      return await services.run(kv.increment, context, args, writeOptions(context, services, `KV ${op} ${args.key}`));
    },
  };
}

const push: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/push',
  name: 'kvPush',
  summary: 'Append one element to an array; a missing key starts empty.',
  tag: 'kv',
  access: 'write',
  query: [
    ...writeParameters,
    path,
    { name: 'raw', type: 'boolean', default: false, description: 'Do not unwrap {"value": x}.' },
  ],
  headers: keyWriteHeaders,
  body: { description: 'One JSON value, whatever the Content-Type says; {"value": x} stands for x.', schema: anyJson },
  replies: written('The new length.', pushSchema, true),
  commits: 'headers',
  errors: writeErrors,
  handle: async (context, services) => {
    const body = await context.body();
    const args = { ...atomicArgs(context, body), body, isRaw: context.query.boolean('raw') };
    return await services.run(kv.push, context, args, writeOptions(context, services, `KV PUSH ${args.key}`));
  },
};

const pop: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/pop',
  name: 'kvPop',
  summary: 'Take the last element of an array.',
  tag: 'kv',
  access: 'write',
  query: [...writeParameters, path],
  headers: keyWriteHeaders,
  replies: written('The element and the new length.', popSchema, true),
  commits: 'headers',
  errors: [...writeErrors, 'KEY_NOT_FOUND'],
  handle: async (context, services) => {
    const args = atomicArgs(context);
    return await services.run(kv.pop, context, args, writeOptions(context, services, `KV POP ${args.key}`));
  },
};

const remove: Route = {
  method: 'POST',
  path: '/api/v1/sqlite/kv/{key}/remove',
  name: 'kvRemove',
  summary: 'Remove one element of an array, by position or by value.',
  tag: 'kv',
  access: 'write',
  query: [
    ...writeParameters,
    path,
    { name: 'index', type: 'integer', description: 'Position; negative counts from the end.' },
  ],
  body: {
    description: '{"value": x}: the first equal element, else the first with these members.',
    optional: true,
    schema: object({ value: anyJson }),
  },
  headers: keyWriteHeaders,
  replies: written('The element and the new length.', removeSchema, true),
  commits: 'headers',
  errors: [...writeErrors, 'KEY_NOT_FOUND'],
  handle: async (context, services) => {
    const body = await context.body();
    const index = context.query.optionalInteger('index');
    const args = { ...atomicArgs(context, body), body, ...(index === undefined ? {} : { index }) };
    return await services.run(kv.remove, context, args, writeOptions(context, services, `KV REMOVE ${args.key}`));
  },
};

export const kvAtomicRoutes: readonly Route[] = [counterRoute('INCR'), counterRoute('DECR'), push, pop, remove];

function atomicArgs(context: RequestContext, body?: Buffer) {
  return {
    ...writeArgs(context, body),
    ...keyArgs(context),
    ...pathArg(context),
    conditions: conditionsOf(context),
  };
}
