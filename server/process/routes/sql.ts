// SQL over HTTP: the transaction and the shareable read-only query.

import { isUtf8 } from 'node:buffer';
import { ApiError, fromErrorData } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { HistoryEntry } from '../../messages/operations/query-history.ts';
import { sql } from '../../messages/operations/sql.ts';
import { errorReply, type Reply } from '../../messages/reply.ts';
import { bodyMayLeaveWal, bodySeemsToRead } from '../../messages/sql-reading.ts';
import { tokenize } from '../../messages/sql-tokens.ts';
import { commitMembers } from '../http/bookmarks.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Route } from '../http/route.ts';
import { anyJson, boolean, integer, list, mapOf, nullable, object, optional, succeeded, text } from '../http/schema.ts';
import type { Services } from '../services.ts';
import { archiveErrors } from '../time-machine/archive.ts';
import { bookmarkHeader, momentOf } from './moments.ts';
import { createParameters, databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';

const cells = mapOf(anyJson);

const transactionSchema = object({
  results: list(
    object({
      success: boolean,
      resultHeaders: optional(list(text)),
      resultSet: optional({
        ...list(cells),
        description:
          'Of an item that produces columns. A BLOB is base64, as is a text that is not UTF-8. A REAL is a JSON number: 1.0 is 1.',
      }),
      resultSetList: optional({ ...list(list(anyJson)), description: 'Instead of resultSet, with resultFormat list.' }),
      truncated: optional({ ...succeeded, description: `There are more than ${limits.selectRows} rows.` }),
      rowsUpdated: optional({ ...integer, description: 'Of an item that produces no columns.' }),
      rowsUpdatedBatch: optional({ ...list(integer), description: 'Of valuesBatch.' }),
      rowErrors: optional({ ...list(text), description: 'Rows of valuesBatch that noFail passed over.' }),
      error: optional({ ...text, description: 'Of an item that failed under noFail.' }),
      code: optional(text),
    }),
  ),
  committed: optional({
    ...succeeded,
    description: 'The work is done, but its results were lost with the process that did it.',
  }),
  ...commitMembers,
});

const querySchema = object({
  success: succeeded,
  query: text,
  columns: list(text),
  resultSet: nullable({
    ...list(cells),
    description: 'A BLOB is a string where it is UTF-8, else {"value_base64": ...}, as is a text that is not UTF-8.',
  }),
  rowCount: integer,
  truncated: boolean,
});

const isolatedParameter: QueryParameter = {
  name: 'isolated',
  type: 'boolean',
  default: false,
  description:
    'Commit the request by itself. Without it requests that come in at the same time may share a commit, each in a savepoint of its own.',
};

export const sqlRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/db',
    name: 'executeTransaction',
    summary: 'Run SQL statements in one transaction',
    tag: 'sql',
    access: 'write',
    query: [dbParameter, ...createParameters, isolatedParameter, timeoutParameter],
    body: {
      description: 'The items of the transaction, in order. Any Content-Type.',
      schema: {
        type: 'object',
        required: ['transaction'],
        additionalProperties: false,
        properties: {
          resultFormat: { type: 'string', description: '`list` answers rows as arrays.' },
          transaction: {
            type: 'array',
            maxItems: limits.transactionItems,
            items: {
              type: 'object',
              additionalProperties: false,
              properties: {
                query: { type: 'string' },
                statement: { type: 'string' },
                sql: { type: 'string', description: 'Alias of statement.' },
                values: {
                  description:
                    'A list for ? parameters or an object for named ones: strings, numbers, booleans, null, or {"base64": "..."} for a BLOB.',
                },
                params: { description: 'Alias of values.' },
                valuesBatch: { type: 'array', maxItems: limits.batchRows, items: {}, description: 'Rows of values.' },
                noFail: { type: 'boolean', default: false },
              },
            },
          },
        },
      },
    },
    replies: {
      200: {
        description: 'Every item was committed, or skipped under noFail.',
        schema: transactionSchema,
      },
    },
    commits: 'members',
    errors: [
      ...databaseErrors,
      'SQL_ERROR',
      'SQL_BIND_ERROR',
      'UNKNOWN_FIELD',
      'VALUES_CONFLICT',
      'SQL_CONSTRAINT',
      'DATABASE_READONLY',
      'CONFLICT',
      'PAYLOAD_TOO_LARGE',
    ],
    handle: executeTransaction,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/query',
    name: 'shareableQuery',
    summary: 'Run one read-only SELECT from a URL that can be shared',
    tag: 'sql',
    access: 'read',
    query: [
      dbParameter,
      { name: 'sql', type: 'text', required: true, description: 'The SELECT, as base64, base64url or plain text.' },
      {
        name: 'at',
        type: 'text',
        description: 'Ask the state of this moment instead: a time, how long ago, or a bookmark.',
      },
      timeoutParameter,
    ],
    replies: {
      200: {
        description: 'The rows; resultSet is null when there are none.',
        schema: querySchema,
        headers: [bookmarkHeader],
      },
    },
    errors: [...databaseErrors, ...archiveErrors, 'SQL_ERROR', 'SQL_BIND_ERROR', 'CONFLICT'],
    handle: shareableQuery,
  },
];

async function executeTransaction(context: RequestContext, services: Services): Promise<Reply> {
  const target = services.target(context);
  const create = context.createIfMissing(services.options.createOnWrite);
  try {
    const body = await context.body();
    const args = { body, clientIp: context.clientIp };
    const operation = bodySeemsToRead(body) ? sql.readingTransaction : sql.transaction;
    const answer = await services.run(operation, context, args, {
      create,
      alone: bodyMayLeaveWal(body),
      isolated: context.query.boolean('isolated'),
    });
    // The executor died after COMMIT and before the answer: the work is done, its rows are lost.
    if (answer === null) return { status: 200, body: '{"results":[],"committed":true}' };
    const timestampMs = Date.now();
    const records = answer.records.map(
      (record): HistoryEntry => ({
        ...record,
        sql: record.sql.slice(0, limits.queryHistorySqlChars),
        timestampMs,
        source: 'sql',
        clientIp: context.clientIp,
      }),
    );
    services.record(target, records, answer.wrote);
    if (answer.error === null) return { status: 200, body: answer.body };
    return errorReply(await services.namingHolder(fromErrorData(answer.error), services.target(context)));
  } catch (error) {
    if (!(error instanceof ApiError) || 'reqIdx' in error.members) throw error;
    const members = { ...error.members, reqIdx: -1 };
    throw new ApiError(error.code, error.message, { status: error.status, members, cause: error.cause });
  }
}

async function shareableQuery(context: RequestContext, services: Services): Promise<Reply> {
  const target = services.target(context);
  const select = decodeShareable(context.query.text('sql'));
  if (context.query.text('at') !== '') return await pastQuery(context, services, select);
  const startedMs = performance.now();
  const record = (rowCount: number, error: string | null): void => {
    const entry: HistoryEntry = {
      sql: select.slice(0, limits.queryHistorySqlChars),
      timestampMs: Date.now(),
      durationMs: performance.now() - startedMs,
      rowCount,
      error,
      isStatement: false,
      source: 'sql',
      clientIp: context.clientIp,
    };
    services.record(target, [entry], false);
  };
  try {
    const answer = await services.run(sql.shareable, context, { sql: select });
    record(answer.rowCount, null);
    return { status: 200, body: answer.body };
  } catch (error) {
    record(0, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** It is not recorded: the database of that time is not written. */
async function pastQuery(context: RequestContext, services: Services, select: string): Promise<Reply> {
  const target = services.target(context);
  const at = momentOf(context, 'at');
  return await services.timeMachine.withState(target, at, context.deadlineMs, async ({ path, moment }) => {
    const database = { name: target.name, path };
    const { body } = await services.run(sql.shareable, context, { sql: select }, { database });
    return { status: 200, body, headers: { 'x-hoody-bookmark': moment.bookmark } };
  });
}

/**
 * The `sql` parameter -> SQL text: base64 or base64url if that decodes to a SELECT or WITH, else the text itself. A `+`
 * of unescaped base64 arrives as a space. What is not UTF-8 is Latin-1, as btoa() makes it of a string.
 */
function decodeShareable(parameter: string): string {
  const packed = parameter.trim().replaceAll(' ', '+');
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(packed)) {
    const bytes = Buffer.from(packed, 'base64');
    const decoded = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
    if (/^(SELECT|WITH)$/.test(tokenize(decoded)[0]?.text ?? '')) return decoded;
  }
  return parameter;
}
