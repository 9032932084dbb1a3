// How a program reads one key: over HTTP, or out of the file with SQL. Pure.
import type { KeyPlace } from './place.ts';

export interface KeySnippet {
  readonly title: string;
  readonly text: string;
}

/** `base` ends with a slash. */
export function keySnippets({ db, table, key }: KeyPlace, base: string): KeySnippet[] {
  const query = new URLSearchParams(table === 'kv_store' ? { db } : { db, table });
  const url = `${base}api/v1/sqlite/kv/${encodeURIComponent(key)}?${query}`;
  const sql = `SELECT CAST(value AS TEXT) FROM ${sqlName(table)} WHERE key = ${sqlText(key)}`;
  return [
    { title: 'curl', text: `curl -s ${shellText(url)}` },
    { title: 'fetch', text: `const value = await fetch(${JSON.stringify(url)}).then((answer) => answer.text());` },
    { title: 'SQL', text: sql },
  ];
}

function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function shellText(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
