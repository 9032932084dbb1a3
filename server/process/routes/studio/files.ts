// Whole files: exports, imports, and a copy of the database.
import { basename } from 'node:path';
import { isCsvDelimiter } from '../../../messages/csv-delimiter.ts';
import { ApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import type { StudioCsvDelimiter } from '../../../messages/studio/files.ts';
import { decodeExport, parseMembers } from '../../../messages/studio-requests.ts';
import type { RequestContext } from '../../http/context.ts';
import type { QueryParameter } from '../../http/query.ts';
import type { Route, StreamReply } from '../../http/route.ts';
import { boolean, integer, list, object, oneOfTexts, optional, text } from '../../http/schema.ts';
import { asTransfer, countUntilClosed } from '../../http/transfers.ts';
import type { Services } from '../../services.ts';
import { receiveFile, removeFile, takeFile } from '../../temporary-files.ts';
import { databaseErrors, dbParameter, timeoutParameter } from '../parameters.ts';
import { selectionBody, valueSchema, valuesByColumn } from './schemas.ts';
import { attachment, tableErrors } from './tables.ts';

const formats = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
  sql: 'application/sql; charset=utf-8',
} as const;
const fileSchema = { description: 'The file.' };
const fileHeaders = [{ name: 'Content-Disposition', description: 'A name for the file.' }] as const;
const exportBody = object({
  format: oneOfTexts('csv', 'json', 'jsonl', 'sql'),
  source: {
    anyOf: [
      object({ ...selectionBody, columns: optional(list(text)) }),
      object({ sql: text, parameters: optional(valuesByColumn) }),
    ],
    description: 'A selection of a table, or one statement that reads.',
  },
  guardFormulas: optional({ ...boolean, description: "CSV: put ' before texts that spreadsheets run as formulas." }),
  delimiter: optional({ ...oneOfTexts('comma', 'semicolon', 'tab'), description: 'CSV: between two fields.' }),
});
const importedSchema = object({
  columns: list(text),
  types: list(text),
  rows: integer,
  delimiter: optional(oneOfTexts('comma', 'semicolon', 'tab')),
  preview: optional(list(list(valueSchema))),
});
const importParameters: readonly QueryParameter[] = [
  { name: 'table', type: 'text', required: true, description: 'The table that gets the rows.' },
  {
    name: 'format',
    type: 'text',
    default: 'csv',
    description: 'csv, json (an array of objects) or jsonl (one on each line).',
  },
  { name: 'create', type: 'boolean', default: false, description: 'Create the table from the file.' },
  { name: 'header', type: 'boolean', default: true, description: 'CSV: the first record names the columns.' },
  {
    name: 'delimiter',
    type: 'text',
    default: 'comma',
    description: 'CSV: comma, semicolon, tab, or auto, which goes by the first records.',
  },
  { name: 'dryRun', type: 'boolean', default: false, description: 'Only read the file, and show the first rows.' },
  {
    name: 'types',
    type: 'text',
    default: '',
    description: 'Of the columns of a new table, separated by commas; DECIMAL(10,2) is one.',
  },
];

export const studioFileRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/export',
    name: 'studioExport',
    summary: 'A selection or the rows of a query as CSV, JSON, JSON Lines or SQL',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    body: { description: 'What, and in which format.', schema: exportBody },
    replies: { 200: { description: 'The file.', contentType: '*/*', schema: fileSchema, headers: fileHeaders } },
    errors: [...tableErrors],
    handle: exportRows,
  },
  {
    method: 'GET',
    path: '/api/v1/sqlite/studio/file',
    name: 'studioFile',
    summary: 'The whole database as one consistent file',
    tag: 'studio',
    access: 'read',
    query: [dbParameter, timeoutParameter],
    replies: {
      200: {
        description: 'The file.',
        contentType: 'application/vnd.sqlite3',
        schema: fileSchema,
        headers: fileHeaders,
      },
    },
    errors: [...databaseErrors],
    handle: async (context, services) => {
      const { path } = services.target(context);
      const write = (file: string) => services.run(studio.copy, context, { path: file });
      return await sendFile(basename(path), 'application/vnd.sqlite3', services, write);
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/import',
    name: 'studioImport',
    summary: 'Rows of a CSV, JSON or JSON Lines file, all or none',
    tag: 'studio',
    access: 'write',
    query: [dbParameter, ...importParameters, timeoutParameter],
    body: { description: `The file; at most ${limits.importBytes} bytes.` },
    replies: { 200: { description: 'How many rows came in; of a dry run the first ones.', schema: importedSchema } },
    errors: [...tableErrors, 'SQL_CONSTRAINT', 'DATABASE_READONLY'],
    handle: importRows,
  },
];

async function exportRows(context: RequestContext, services: Services): Promise<StreamReply> {
  const request = decodeExport(parseMembers(await context.body(), ['format', 'source', 'guardFormulas', 'delimiter']));
  const name = 'table' in request.source ? request.source.table : 'result';
  const write = (path: string) => services.run(studio.exportRows, context, { request, path });
  return await sendFile(`${name}.${request.format}`, formats[request.format], services, write);
}

/** `write` has the file made; it is sent at the pace of the client and has no name from then on. */
function sendFile(
  name: string,
  contentType: string,
  { temporaryFiles }: Services,
  write: (path: string) => Promise<unknown>,
): Promise<StreamReply> {
  return asTransfer(async () => {
    const path = temporaryFiles.path();
    try {
      await write(path);
      const { body, sizeBytes } = await takeFile(path);
      countUntilClosed(body);
      const headers = { 'Content-Disposition': attachment(name), 'Content-Length': String(sizeBytes) };
      return { status: 200, body, contentType, headers };
    } finally {
      await removeFile(path);
    }
  });
}

function formatOf(text: string): 'csv' | 'json' | 'jsonl' {
  if (text === 'csv' || text === 'json' || text === 'jsonl') return text;
  throw new ApiError('INVALID_PARAMETERS', 'format must be csv, json or jsonl');
}

function delimiterOf(text: string): StudioCsvDelimiter | 'auto' {
  if (text === 'auto' || isCsvDelimiter(text)) return text;
  throw new ApiError('INVALID_PARAMETERS', 'delimiter must be comma, semicolon, tab or auto');
}

/** Commas within parentheses belong to a type. */
function typesOf(text: string): readonly string[] | null {
  return text === '' ? null : text.split(/,(?![^()]*\))/).map((type) => type.trim());
}

async function importRows(context: RequestContext, services: Services): Promise<Reply> {
  const { query, request: source } = context;
  services.target(context);
  const request = {
    table: query.text('table'),
    format: formatOf(query.text('format')),
    create: query.boolean('create'),
    header: query.boolean('header'),
    dryRun: query.boolean('dryRun'),
    delimiter: delimiterOf(query.text('delimiter')),
    types: typesOf(query.text('types')),
    clientIp: context.clientIp,
  };
  return await asTransfer(async () => {
    const path = services.temporaryFiles.path();
    try {
      const expectedBytes = Number(context.headers['content-length'] ?? 0);
      await receiveFile(source, { path, maxBytes: limits.importBytes, expectedBytes });
      // The time to send the file is not the time to read it.
      const imported = await services.run(studio.importRows, context.renewed(), { ...request, path });
      // The executor died after COMMIT and before the reply: the rows are in.
      return json(imported ?? { columns: [], types: [], rows: 0 });
    } finally {
      await removeFile(path);
    }
  });
}
