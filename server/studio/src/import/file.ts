// What a file's name says: its format, and a name for its table. Pure.
export type ImportFormat = 'csv' | 'json' | 'jsonl';

export const importFormats: readonly { readonly id: ImportFormat; readonly label: string }[] = [
  { id: 'csv', label: 'CSV' },
  { id: 'json', label: 'JSON: an array of objects' },
  { id: 'jsonl', label: 'JSON Lines: an object on each line' },
];

export function formatOfFile(name: string): ImportFormat {
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'jsonl';
  return /\.json$/i.test(name) ? 'json' : 'csv';
}

/** Not the name of anything that is there: SQLite tells names apart without regard to case. */
export function tableNameOf(fileName: string, taken: readonly string[]): string {
  const plain = fileName.replace(/\.[A-Za-z]+$/, '').trim();
  const wanted = plain === '' ? 'imported' : plain;
  const lower = new Set(taken.map((name) => name.toLowerCase()));
  let name = wanted;
  for (let number = 2; lower.has(name.toLowerCase()); number += 1) name = `${wanted}_${number}`;
  return name;
}

/** Why a table of this name cannot be made; null where it can. */
export function nameProblem(name: string, taken: readonly string[]): string | null {
  if (name.trim() === '') return 'Give the new table a name.';
  const isTaken = taken.some((other) => other.toLowerCase() === name.toLowerCase());
  return isTaken ? `${name} is there already: choose it above, or another name.` : null;
}

/** Of a column of a new table. */
export const columnTypes = ['INTEGER', 'REAL', 'TEXT', 'BLOB', 'NUMERIC'] as const;
