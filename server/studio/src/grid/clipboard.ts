// Selected cells as text in several formats. Pure; copy.ts puts it on the clipboard.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { jsonText, kindOf, sqlLiteral, sqlName, textOf } from '../api/values.ts';
import type { CopyFormat } from './copy-formats.ts';

export interface CopiedCells {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly StudioValue[])[];
  /** For INSERT. */
  readonly table?: string | undefined;
}

const writers: Readonly<Record<CopyFormat, (cells: CopiedCells) => string>> = {
  tsv: ({ rows }) => rows.map((row) => row.map(tsvCell).join('\t')).join('\n'),
  'tsv with names': ({ columns, rows }) =>
    [columns.map((name) => tsvCell(name)), ...rows.map((row) => row.map(tsvCell))]
      .map((cells) => cells.join('\t'))
      .join('\n'),
  csv: ({ columns, rows }) =>
    [columns.map((name) => csvCell(name)), ...rows.map((row) => row.map(csvCell))]
      .map((cells) => `${cells.join(',')}\r\n`)
      .join(''),
  json: ({ columns, rows }) => {
    const objects = rows.map(
      (row) => `  {${columns.map((name, at) => `${JSON.stringify(name)}: ${jsonText(row[at] ?? null)}`).join(', ')}}`,
    );
    return `[\n${objects.join(',\n')}\n]`;
  },
  insert: ({ columns, rows, table = 'table' }) => {
    const names = columns.map(sqlName).join(', ');
    return rows
      .map((row) => `INSERT INTO ${sqlName(table)} (${names}) VALUES (${row.map(sqlLiteral).join(', ')});`)
      .join('\n');
  },
  'in list': ({ rows }) => {
    const literals = rows.flatMap((row) => row.filter((value) => value !== null).map(sqlLiteral));
    return `(${[...new Set(literals)].join(', ')})`;
  },
  markdown: ({ columns, rows }) =>
    [columns, columns.map(() => '---'), ...rows.map((row) => row.map(textOf))]
      .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\r?\n/g, ' ')).join(' | ')} |`)
      .join('\n'),
};

export function copyAs(format: CopyFormat, cells: CopiedCells): string {
  return writers[format](cells);
}

/** One cell alone is copied as it is; of several, those that would break the table are quoted as spreadsheets do. */
export function copyPlain(cells: CopiedCells): string {
  const [row] = cells.rows;
  if (cells.rows.length === 1 && row?.length === 1) return textOf(row[0] ?? null);
  return copyAs('tsv', cells);
}

function tsvCell(value: StudioValue): string {
  const text = textOf(value);
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** NULL is an empty field, '' is "": so that an import tells them apart. */
function csvCell(value: StudioValue): string {
  if (value === null) return '';
  const text = textOf(value);
  return text === '' || /[,\n\r"]/.test(text) || (kindOf(value) === 'text' && text !== text.trim())
    ? `"${text.replaceAll('"', '""')}"`
    : text;
}

/** The cells of pasted text: tab-separated, quoted as spreadsheets quote. */
export function parsePasted(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /("(?:[^"]|"")*"|[^\t\r\n]*)(\t|\r?\n|\r|$)/gy;
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    const [, raw = '', end = ''] = match;
    rows.at(-1)?.push(raw.startsWith('"') && raw.length > 1 ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end === '') break;
    if (end !== '\t') rows.push([]);
  }
  const last = rows.at(-1);
  if (rows.length > 1 && last?.length === 1 && last[0] === '') rows.pop();
  return rows;
}
