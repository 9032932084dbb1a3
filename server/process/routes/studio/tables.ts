// What the studio reads of databases and tables: the list of databases, a schema, pages of rows, counts, whole cells.
import { ApiError } from '../../../messages/errors.ts';
import { file } from '../../../messages/operations/file.ts';
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import type { StudioCount } from '../../../messages/studio/rows.ts';
import type { StudioOverview } from '../../../messages/studio/schema.ts';
import {
  decodeCell,
  decodeFacets,
  decodeRows,
  decodeSelection,
  parseMembers,
  selectionMembers,
} from '../../../messages/studio-requests.ts';
import { secondsText } from '../../../messages/time-text.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import { object, text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { databaseErrors, dbParameter, timeoutParameter } from '../parameters.ts';
import {
  cellBody,
  cellSchema,
  countSchema,
  facetsSchema,
  overviewSchema,
  rowsBody,
  rowsSchema,
  schemaSchema,
  selectionBody,
} from './schemas.ts';

/** What every route that reads a table can answer. */
export const tableErrors = [...databaseErrors, 'NOT_FOUND', 'SQL_ERROR', 'CONFLICT', 'PAYLOAD_TOO_LARGE'] as const;
const databasesMax = 1_000;
/** An exact count that takes longer is given up for an estimate. */
const countSeconds = 2;
/** Longer it takes only where rows that the filters leave are rare. */
const facetSeconds = 5;

export const studioTableRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/sqlite/studio/databases',
    name: 'studioDatabases',
    summary: 'The databases of the root, and what this caller may do',
    tag: 'studio',
    access: 'read',
    query: [timeoutParameter],
    replies: { 200: { description: 'Newest first.', schema: overviewSchema } },
    errors: ['INVALID_DB_PATH', 'REQUEST_TIMEOUT', 'RESPONSE_TOO_LARGE'],
    handle: databases,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/studio/schema',
    name: 'studioSchema',
    summary: 'Tables, views, columns, keys, relations, indexes and triggers of a database',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    replies: { 200: { description: 'The schema.', schema: schemaSchema } },
    errors: [...databaseErrors],
    handle: async (context, services) => await services.run(studio.schema, context, { db: context.query.text('db') }),
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/rows',
    name: 'studioRows',
    summary: 'One page of a table or view',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'What to read, and from where.', schema: rowsBody },
    replies: { 200: { description: 'The rows, and cursors to go on with.', schema: rowsSchema } },
    errors: [...tableErrors],
    handle: async (context, services) => {
      const members = parseMembers(await context.body(), [...selectionMembers, 'columns', 'limit', 'from', 'cut']);
      return await services.run(studio.rows, context, decodeRows(members));
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/count',
    name: 'studioCount',
    summary: 'How many rows a selection has, counted for a bounded time',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'What to count.', schema: object(selectionBody) },
    replies: {
      200: { description: 'The count; `exact` is false for at least or about so many.', schema: countSchema },
    },
    errors: [...tableErrors],
    handle: async (context, services) => json(await count(context, services)),
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/facets',
    name: 'studioFacets',
    summary: 'What stands in one column of a selection, looked at for a bounded time',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'Of which rows, and which column.', schema: object({ ...selectionBody, column: text }) },
    replies: {
      200: { description: 'The most frequent values; `exact` is false for a part of the rows.', schema: facetsSchema },
    },
    errors: [...tableErrors],
    handle: async (context, services) => {
      const request = decodeFacets(parseMembers(await context.body(), [...selectionMembers, 'column']));
      return await services.run(studio.facets, context.within(facetSeconds), request);
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/cell',
    name: 'studioCell',
    summary: 'One whole value',
    tag: 'studio',
    access: 'read',
    query: [
      dbParameter,
      { name: 'raw', type: 'boolean', default: false, description: 'Answer its bytes alone, as a download.' },
      timeoutParameter,
    ],
    body: { description: 'Which one.', schema: cellBody },
    replies: {
      200: {
        description: 'The value. With `raw` its bytes as application/octet-stream.',
        schema: cellSchema,
        orBytes: 'application/octet-stream',
        headers: [{ name: 'Content-Disposition', description: 'Of `raw`.' }],
      },
    },
    errors: [...tableErrors],
    handle: cell,
  },
];

async function databases(context: RequestContext, services: Services): Promise<Reply> {
  const { root, mounted, version } = services.options;
  const found = await services.runOnFile(file.list, context, root, { page: null });
  const valid = found.databases.filter(({ isValid }) => isValid);
  const overview: StudioOverview = {
    version,
    mounted,
    root,
    access: context.access,
    databases: valid.slice(0, databasesMax).map(({ name, sizeBytes, modifiedMs }) => ({
      // A bare name where that is one, else the path.
      db: /^[A-Za-z0-9._-]+$/.test(name) ? name : `${root}/${name}`,
      path: `${root}/${name}`,
      bytes: sizeBytes,
      modified: secondsText(new Date(modifiedMs)),
    })),
    more: valid.length > databasesMax,
  };
  return json(overview);
}

async function count(context: RequestContext, services: Services): Promise<StudioCount> {
  const selection = decodeSelection(parseMembers(await context.body(), selectionMembers));
  try {
    return await services.run(studio.count, context.within(countSeconds), { selection, isEstimate: false });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'REQUEST_TIMEOUT') throw error;
    return await services.run(studio.count, context, { selection, isEstimate: true });
  }
}

async function cell(context: RequestContext, services: Services): Promise<Reply> {
  const request = decodeCell(parseMembers(await context.body(), ['table', 'key', 'column']));
  if (!context.query.boolean('raw')) return await services.run(studio.cell, context, request);
  const bytes = await services.run(studio.cellBytes, context, request);
  return {
    status: 200,
    contentType: 'application/octet-stream',
    headers: { 'Content-Disposition': attachment(request.column) },
    body: Buffer.from(bytes),
  };
}

/** A file name of any text (RFC 6266, RFC 5987). */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, '_') || 'value';
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name || 'value').replace(/['()*]/g, escape)}`;
}
