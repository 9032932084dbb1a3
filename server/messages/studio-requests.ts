// Decodes the bodies of the studio's requests, or refuses them before anything runs. messages/studio/ describes them.
import { isCsvDelimiter } from './csv-delimiter.ts';
import { ApiError } from './errors.ts';
import { isObject, type Json, type JsonObject, parseJsonBody } from './json.ts';
import type { StudioApplyRequest, StudioChange } from './studio/edits.ts';
import type { StudioExportRequest } from './studio/files.ts';
import type {
  StudioCellRequest,
  StudioFacetsRequest,
  StudioFilter,
  StudioFilterOperator,
  StudioRowsRequest,
  StudioSelection,
} from './studio/rows.ts';
import type { StudioSqlRequest } from './studio/sql.ts';
import type { StudioRowKey, StudioValue } from './studio/values.ts';
import { decodeValue } from './studio-values.ts';

export const studioLimits = {
  rowsDefault: 100,
  rowsMax: 1_000,
  cutDefault: 2_048,
  cutMax: 1024 * 1024,
  changes: 10_000,
  filters: 100,
  inValues: 1_000,
  columns: 2_000,
  sqlRowsDefault: 1_000,
  sqlRowsMax: 10_000,
  sqlCutMax: 4 * 1024 * 1024,
} as const;

const operators: ReadonlySet<string> = new Set<StudioFilterOperator>([
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'contains',
  'starts',
  'null',
  'not null',
  'in',
]);

/** @throws ApiError INVALID_PARAMETERS */
export function parseMembers(body: Uint8Array, known: readonly string[]): JsonObject {
  return membersOf(
    parseJsonBody(body.length === 0 ? Buffer.from('{}') : body, 'INVALID_PARAMETERS'),
    'the body',
    known,
  );
}

export const selectionMembers = ['table', 'filters', 'where', 'sort'] as const;

export function decodeSelection(members: JsonObject): StudioSelection {
  const { filters, where, sort } = members;
  return {
    table: textOf(members.table, 'table'),
    ...(filters === undefined ? {} : { filters: listOf(filters, 'filters', studioLimits.filters).map(decodeFilter) }),
    ...(where === undefined || where === '' ? {} : { where: textOf(where, 'where') }),
    ...(sort === undefined ? {} : { sort: listOf(sort, 'sort', studioLimits.filters).map(decodeSort) }),
  };
}

export function decodeRows(members: JsonObject): StudioRowsRequest {
  const { columns, limit, cut, from } = members;
  return {
    ...decodeSelection(members),
    ...(columns === undefined ? {} : { columns: textsOf(columns, 'columns') }),
    limit: integerOf(limit, 'limit', 1, studioLimits.rowsMax, studioLimits.rowsDefault),
    cut: integerOf(cut, 'cut', 16, studioLimits.cutMax, studioLimits.cutDefault),
    ...(from === undefined || from === null ? {} : { from: decodeFrom(from) }),
  };
}

export function decodeCell(members: JsonObject): StudioCellRequest {
  return {
    table: textOf(members.table, 'table'),
    key: decodeKey(members.key, 'key'),
    column: textOf(members.column, 'column'),
  };
}

export function decodeApply(members: JsonObject): StudioApplyRequest {
  return {
    changes: listOf(members.changes, 'changes', studioLimits.changes).map(decodeChange),
    dryRun: booleanOf(members.dryRun, 'dryRun'),
  };
}

export const sqlMembers = ['sql', 'parameters', 'id', 'limit', 'cut', 'readOnly', 'dryRun'] as const;

export function decodeSql(members: JsonObject): StudioSqlRequest {
  const { id } = members;
  if (id !== undefined && (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(id))) {
    throw invalid('id must be 1 to 64 of A-Z a-z 0-9 - _');
  }
  return {
    sql: textOf(members.sql, 'sql'),
    parameters: members.parameters === undefined ? {} : decodeValues(members.parameters, 'parameters'),
    ...(id !== undefined && { id }),
    limit: integerOf(members.limit, 'limit', 0, studioLimits.sqlRowsMax, studioLimits.sqlRowsDefault),
    cut: integerOf(members.cut, 'cut', 16, studioLimits.sqlCutMax, studioLimits.cutDefault),
    readOnly: booleanOf(members.readOnly, 'readOnly'),
    dryRun: booleanOf(members.dryRun, 'dryRun'),
  };
}

export function decodeExport(members: JsonObject): StudioExportRequest {
  const { format, source, guardFormulas, delimiter = 'comma' } = members;
  if (format !== 'csv' && format !== 'json' && format !== 'jsonl' && format !== 'sql') {
    throw invalid('format must be csv, json, jsonl or sql');
  }
  if (typeof delimiter !== 'string' || !isCsvDelimiter(delimiter)) {
    throw invalid('delimiter must be comma, semicolon or tab');
  }
  const from = membersOf(source ?? null, 'source', [...selectionMembers, 'columns', 'sql', 'parameters']);
  const columns = from.columns === undefined ? {} : { columns: textsOf(from.columns, 'source.columns') };
  const parameters =
    from.parameters === undefined ? {} : { parameters: decodeValues(from.parameters, 'source.parameters') };
  return {
    format,
    source:
      from.sql === undefined
        ? { ...decodeSelection(from), ...columns }
        : { sql: textOf(from.sql, 'source.sql'), ...parameters },
    guardFormulas: booleanOf(guardFormulas, 'guardFormulas'),
    delimiter,
  };
}

export function decodeFacets(members: JsonObject): StudioFacetsRequest {
  return { ...decodeSelection(members), column: textOf(members.column, 'column') };
}

export function decodeFrom(json: Json): NonNullable<StudioRowsRequest['from']> {
  if (json === 'end') return 'end';
  const { after, before, at, fraction } = membersOf(json, 'from', ['after', 'before', 'at', 'fraction']);
  if (typeof after === 'string') return { after };
  if (typeof before === 'string') return { before };
  if (typeof at === 'string') return { at };
  if (typeof fraction === 'number' && fraction >= 0 && fraction <= 1) return { fraction };
  throw invalid('from must be "end" or have one of after, before, at (cursors) and fraction (0 to 1)');
}

function decodeFilter(json: Json, index: number): StudioFilter {
  const what = `filters[${index}]`;
  const { column, operator, value } = membersOf(json, what, ['column', 'operator', 'value']);
  if (typeof operator !== 'string' || !operators.has(operator)) {
    throw invalid(`${what}.operator must be one of ${[...operators].join(', ')}`);
  }
  const filter = { column: textOf(column, `${what}.column`), operator: operator as StudioFilterOperator };
  if (operator === 'null' || operator === 'not null') return filter;
  if (operator !== 'in') return { ...filter, value: decodeValue(value, `${what}.value`) };
  const values = listOf(value, `${what}.value`, studioLimits.inValues);
  return { ...filter, value: values.map((one, at) => decodeValue(one, `${what}.value[${at}]`)) };
}

function decodeSort(json: Json, index: number): { readonly column: string; readonly descending: boolean } {
  const what = `sort[${index}]`;
  const { column, descending } = membersOf(json, what, ['column', 'descending']);
  return { column: textOf(column, `${what}.column`), descending: booleanOf(descending, `${what}.descending`) };
}

function decodeChange(json: Json, index: number): StudioChange {
  const what = `changes[${index}]`;
  const members = membersOf(json, what, ['kind', 'table', 'key', 'set', 'expect']);
  const table = textOf(members.table, `${what}.table`);
  const values = (name: 'set' | 'expect') => decodeValues(members[name], `${what}.${name}`);
  const key = () => decodeKey(members.key, `${what}.key`);
  switch (members.kind) {
    case 'insert':
      return { kind: 'insert', table, set: values('set') };
    case 'update':
      return { kind: 'update', table, key: key(), set: values('set'), expect: values('expect') };
    case 'delete':
      return { kind: 'delete', table, key: key(), expect: values('expect') };
    default:
      throw invalid(`${what}.kind must be insert, update or delete`);
  }
}

function decodeValues(json: Json | undefined, what: string): Readonly<Record<string, StudioValue>> {
  if (json === undefined || !isObject(json)) throw invalid(`${what} must be an object of values by column`);
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, decodeValue(value, `${what}.${name}`)]));
}

export function decodeKey(json: Json | undefined, what: string): StudioRowKey {
  return listOf(json, what, studioLimits.columns).map((value, at) => decodeValue(value, `${what}[${at}]`));
}

export function membersOf(json: Json, what: string, known: readonly string[]): JsonObject {
  if (!isObject(json)) throw invalid(`${what} must be a JSON object`);
  const odd = Object.keys(json).find((name) => !known.includes(name));
  if (odd !== undefined) throw invalid(`${what} has no member ${JSON.stringify(odd)}; known: ${known.join(', ')}`);
  return json;
}

export function textOf(json: Json | undefined, what: string): string {
  if (typeof json !== 'string') throw invalid(`${what} must be a string`);
  return json;
}

export function textsOf(json: Json | undefined, what: string): string[] {
  return listOf(json, what, studioLimits.columns).map((one, at) => textOf(one, `${what}[${at}]`));
}

export function listOf(json: Json | undefined, what: string, most: number): Json[] {
  if (!Array.isArray(json)) throw invalid(`${what} must be a list`);
  if (json.length > most) throw invalid(`${what} has ${json.length} entries; at most ${most}`);
  return json;
}

export function booleanOf(json: Json | undefined, what: string): boolean {
  if (json === undefined || json === null) return false;
  if (typeof json !== 'boolean') throw invalid(`${what} must be true or false`);
  return json;
}

export function integerOf(json: Json | undefined, what: string, min: number, max: number, fallback: number): number {
  if (json === undefined || json === null) return fallback;
  if (typeof json !== 'number' || !Number.isInteger(json) || json < min || json > max) {
    throw invalid(`${what} must be an integer from ${min} to ${max}`);
  }
  return json;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
