// What the server is asked for, from what the user chose. Pure.
import type { StudioCsvDelimiter, StudioExportFormat, StudioExportRequest } from '../../../messages/studio/files.ts';
import type { StudioObject } from '../../../messages/studio/schema.ts';
import type { ExportWanted } from './wanted.ts';

export interface ExportChoices {
  readonly format: StudioExportFormat;
  /** Only the rows that the filters leave. */
  readonly onlyFiltered: boolean;
  /** Without the columns that are hidden in the grid. */
  readonly onlyShown: boolean;
  /** With the columns that SQLite computes. */
  readonly withGenerated: boolean;
  readonly guardFormulas: boolean;
  /** Of CSV. */
  readonly delimiter: StudioCsvDelimiter;
}

export const formats: readonly { readonly id: StudioExportFormat; readonly label: string; readonly note: string }[] = [
  { id: 'csv', label: 'CSV', note: 'For spreadsheets. NULL is an empty cell, empty text is "", a BLOB is X\'00FF\'.' },
  { id: 'json', label: 'JSON', note: 'One array of objects. A BLOB is {"base64": ...}.' },
  { id: 'jsonl', label: 'JSON Lines', note: 'One object on each line, for big tables and streams.' },
  { id: 'sql', label: 'SQL', note: 'INSERT statements for any SQLite.' },
];

type TableWanted = Extract<ExportWanted, { readonly kind: 'table' }>;

export function exportRequest(
  wanted: Exclude<ExportWanted, { readonly kind: 'file' }>,
  choices: ExportChoices,
): StudioExportRequest {
  const { format, guardFormulas, delimiter } = choices;
  const csv =
    format === 'csv' ? { ...(guardFormulas && { guardFormulas }), ...(delimiter !== 'comma' && { delimiter }) } : {};
  if (wanted.kind === 'query') {
    const { sql, parameters } = wanted;
    const bound = Object.keys(parameters).length > 0 ? { parameters } : {};
    return { format, source: { sql, ...bound }, ...csv };
  }
  return { format, source: { ...rowsOf(wanted, choices), ...columnsOf(wanted, choices) }, ...csv };
}

function rowsOf({ object, selection }: TableWanted, { onlyFiltered }: ExportChoices): TableWanted['selection'] {
  if (onlyFiltered) return selection;
  return { table: object.name, ...(selection.sort && { sort: selection.sort }) };
}

/** Nothing where the server's own choice, all but generated columns, is meant. */
function columnsOf({ object, hidden }: TableWanted, { onlyShown, withGenerated }: ExportChoices) {
  const isWanted = ({ name, generated }: StudioObject['columns'][number]) =>
    !(onlyShown && hidden.includes(name)) && (withGenerated || generated === null);
  const isDefault = object.columns.every((column) => isWanted(column) === (column.generated === null));
  return isDefault ? {} : { columns: object.columns.filter(isWanted).map(({ name }) => name) };
}

export function isFiltered({ filters, where }: TableWanted['selection']): boolean {
  return filters !== undefined || where !== undefined;
}

/** Without the folder and the ending of a database. */
export function fileNameOf(wanted: ExportWanted, format: StudioExportFormat): string {
  if (wanted.kind === 'file') return wanted.db.split('/').at(-1) ?? wanted.db;
  const name = wanted.kind === 'table' ? wanted.object.name : 'result';
  return `${name === '' ? 'table' : name}.${format}`;
}
