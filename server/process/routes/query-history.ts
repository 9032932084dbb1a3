// The query history of a database.

import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { queryHistory } from '../../messages/operations/query-history.ts';
import { json } from '../../messages/reply.ts';
import type { Route } from '../http/route.ts';
import {
  boolean,
  integer,
  list,
  nullable,
  number,
  object,
  oneOfTexts,
  optional,
  rfc3339,
  succeeded,
  text,
} from '../http/schema.ts';
import { databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';

const entries = nullable(
  list(
    object({
      id: integer,
      sql: text,
      timestamp: rfc3339,
      execution_time_ms: integer,
      row_count: integer,
      success: boolean,
      is_statement: boolean,
      source: oneOfTexts('sql', 'kv'),
      client_ip: text,
      error: optional(text),
    }),
  ),
);
const historySchema = object({
  count: integer,
  total: integer,
  limit: integer,
  offset: integer,
  history: entries,
  entries: { ...entries, description: 'The same as history.' },
});
const statsSchema = object({
  total_queries: integer,
  success_count: integer,
  failure_count: integer,
  avg_exec_time_ms: number,
  last_minute: integer,
  last_hour: integer,
});
const doneSchema = object({ success: succeeded, message: text });

const cleared = { success: true, message: 'history cleared' };

export const historyRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/sqlite/history',
    name: 'listHistory',
    summary: 'Newest queries of a database',
    tag: 'history',
    access: 'read',
    query: [
      dbParameter,
      {
        name: 'limit',
        type: 'integer',
        min: 0,
        default: limits.queryHistoryPage,
        description: '0 means 100; at most 1000.',
      },
      { name: 'offset', type: 'integer', min: 0, default: 0, description: 'Entries to skip.' },
      timeoutParameter,
    ],
    replies: { 200: { description: 'Newest first.', schema: historySchema } },
    errors: databaseErrors,
    async handle(context, services) {
      const recorded = services.recordedHistory(services.target(context));
      const limit = Math.min(context.query.integer('limit') || limits.queryHistoryPage, limits.queryHistoryKept);
      const offset = context.query.integer('offset');
      const { total, entries } = await services.run(queryHistory.list, context, { limit, offset, recorded });
      const list = entries.length === 0 ? null : entries;
      return json({ count: entries.length, total, limit, offset, history: list, entries: list });
    },
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/history/stats',
    name: 'historyStats',
    summary: 'How many queries, how many failed, how long they took',
    tag: 'history',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'Counts over the entries that are kept.', schema: statsSchema } },
    errors: databaseErrors,
    async handle(context, services) {
      const recorded = services.recordedHistory(services.target(context));
      return json(await services.run(queryHistory.stats, context, { recorded }));
    },
  },
  {
    method: 'DELETE',
    path: '/api/v1/sqlite/history',
    name: 'clearHistory',
    summary: 'Forget all queries',
    tag: 'history',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'Cleared.', schema: doneSchema } },
    errors: databaseErrors,
    async handle(context, services) {
      await services.flushHistory(context);
      await services.run(queryHistory.clear, context, {});
      return json(cleared);
    },
  },
  {
    method: 'DELETE',
    path: '/api/v1/sqlite/history/{key}',
    name: 'deleteHistoryEntry',
    summary: 'Forget one query; the key is its id',
    tag: 'history',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'Deleted.', schema: doneSchema } },
    errors: [...databaseErrors, 'HISTORY_ENTRY_NOT_FOUND'],
    async handle(context, services) {
      if (!/^\d{1,15}$/.test(context.key)) throw new ApiError('INVALID_PARAMETERS', 'the entry id must be an integer');
      await services.flushHistory(context);
      await services.run(queryHistory.delete, context, { id: Number(context.key) });
      return json({ success: true, message: 'history entry deleted' });
    },
  },
];
