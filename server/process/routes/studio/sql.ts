// SQL of the studio: run, cancel, explain, and the names of parameters.
import { ApiError, fromErrorData } from '../../../messages/errors.ts';
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import { mayLeaveWal, seemsToRead } from '../../../messages/sql-reading.ts';
import type { StudioSqlRequest } from '../../../messages/studio/sql.ts';
import { parameterNames } from '../../../messages/studio-parameters.ts';
import { decodeSql, parseMembers, sqlMembers, studioLimits, textOf } from '../../../messages/studio-requests.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import {
  boolean,
  errorReference,
  integer,
  list,
  number,
  object,
  oneOfTexts,
  optional,
  text,
} from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { dbParameter, timeoutParameter } from '../parameters.ts';
import { cancel, cancellable } from './running.ts';
import { valueSchema, valuesByColumn } from './schemas.ts';
import { recordSql } from './sql-history.ts';
import { tableErrors } from './tables.ts';

/** This process cuts the text itself, and nobody else is served meanwhile: 5 MB take up to 17 s. */
const parametersSqlChars = 100_000;

export const resultSchema = object({
  start: { ...integer, description: 'Place of the statement, in UTF-16 units.' },
  end: integer,
  kind: oneOfTexts('rows', 'write', 'schema', 'other'),
  columns: list(text),
  rows: list(list(valueSchema)),
  more: boolean,
  changes: integer,
  ms: number,
});
const sqlAnswerSchema = object({ results: list(resultSchema), schemaVersion: text });
const planSchema = object({ nodes: list(object({ id: integer, parent: integer, detail: text })) });
const parameters = optional({ ...valuesByColumn, description: 'By name without its prefix, or by number ("1").' });
const sqlBody = object({
  sql: text,
  parameters,
  id: optional({ ...text, description: 'For DELETE studio/sql/{id}: 1 to 64 of A-Z a-z 0-9 - _' }),
  limit: optional({ ...integer, description: `Rows of each result; at most ${studioLimits.sqlRowsMax}.` }),
  cut: optional({ ...integer, description: 'Bytes of a value that are sent.' }),
  readOnly: optional({ ...boolean, description: 'Refuse what writes. Always so with a read token.' }),
  dryRun: optional({ ...boolean, description: 'Run, count, and roll back.' }),
});

export const studioSqlRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/sql',
    name: 'studioSql',
    summary: 'Run statements in one transaction',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'The statements. With a read token only reading ones run.', schema: sqlBody },
    replies: {
      200: { description: 'One result for each statement.', schema: sqlAnswerSchema },
      409: { description: '`CANCELLED` after DELETE studio/sql/{id}.', schema: errorReference },
    },
    errors: [...tableErrors, 'SQL_BIND_ERROR', 'SQL_CONSTRAINT', 'DATABASE_READONLY', 'CANCELLED'],
    handle: runSql,
  },
  {
    method: 'DELETE',
    path: '/api/v1/sqlite/studio/sql/{key}',
    name: 'studioCancelSql',
    summary: 'Cancel the SQL that runs under an id',
    tag: 'studio',
    access: 'read',
    query: [],
    replies: { 204: { description: 'It ends, unless its COMMIT has begun.' } },
    errors: ['NOT_FOUND'],
    handle: ({ key }) => {
      if (!cancel(key)) throw new ApiError('NOT_FOUND', 'nothing runs under this id');
      return { status: 204, body: null };
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/explain',
    name: 'studioExplain',
    summary: 'How SQLite would run a statement',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'One statement.', schema: object({ sql: text, parameters }) },
    replies: { 200: { description: 'The nodes of EXPLAIN QUERY PLAN.', schema: planSchema } },
    errors: [...tableErrors, 'SQL_BIND_ERROR'],
    handle: async (context, services) =>
      await services.run(studio.explain, context, decodeSql(parseMembers(await context.body(), ['sql', 'parameters']))),
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/parameters',
    name: 'studioParameters',
    summary: 'The parameters of statements, for a form',
    tag: 'studio',
    access: 'read',
    query: [],
    body: { description: 'The statements.', schema: object({ sql: text }) },
    replies: { 200: { description: 'Names without prefix, or numbers.', schema: object({ names: list(text) }) } },
    errors: ['PAYLOAD_TOO_LARGE'],
    handle: async (context) => {
      const sql = textOf(parseMembers(await context.body(), ['sql']).sql, 'sql');
      if (sql.length > parametersSqlChars) {
        const message = `parameters are looked for in at most ${parametersSqlChars} characters of SQL`;
        throw new ApiError('PAYLOAD_TOO_LARGE', message);
      }
      return json({ names: parameterNames(sql) });
    },
  },
];

async function runSql(context: RequestContext, services: Services): Promise<Reply> {
  const asked = decodeSql(parseMembers(await context.body(), sqlMembers));
  const request: StudioSqlRequest = { ...asked, readOnly: asked.readOnly || context.access === 'read' };
  const alone = !request.readOnly && mayLeaveWal(request.sql);
  const operation = request.readOnly || seemsToRead(request.sql) ? studio.readingSql : studio.sql;
  const startedMs = performance.now();
  try {
    const answer = await cancellable(request.id, (isCancelled) =>
      services.run(operation, context, { request, clientIp: context.clientIp }, { isCancelled, alone }),
    );
    // The executor died after COMMIT and before the reply: the work is done, its rows are lost.
    if (answer === null) return json({ results: [], schemaVersion: '' });
    recordSql(context, services, request.dryRun ? [] : answer.records, answer.wrote);
    if (answer.reply !== null) return answer.reply;
    throw await services.namingHolder(fromErrorData(answer.error), services.target(context));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'DATABASE_BUSY') throw error;
    const waitedMs = Math.round(performance.now() - startedMs);
    throw new ApiError(error.code, error.message, { members: { ...error.members, waitedMs }, cause: error });
  }
}
