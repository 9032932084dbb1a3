// What may help after an error of SQLite: the name that was probably meant.
import type { Connection } from '../connection.ts';

/** A longer message quotes what is no name. */
const messageChars = 500;

export function hintFor(connection: Connection, message: string): string | null {
  if (message.length > messageChars) return null;
  const unknown = /^no such (table|column): (?:.*\.)?"?(.+?)"?(?: - .*)?$/.exec(message);
  if (unknown !== null) {
    const near = nearest(unknown[2] ?? '', unknown[1] === 'table' ? tableNames(connection) : columnNames(connection));
    return near === null ? null : `did you mean ${near}?`;
  }
  if (/^incomplete input/.test(message)) return 'the statement ends too early: a parenthesis or a word is missing';
  return null;
}

function tableNames({ database }: Connection): string[] {
  return database
    .prepare(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'hoody:%' LIMIT 5000`)
    .pluck()
    .all() as string[];
}

function columnNames(connection: Connection): string[] {
  try {
    return connection.database
      .prepare(
        `SELECT DISTINCT c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c
        WHERE s.type = 'table' AND s.name NOT LIKE 'hoody:%' LIMIT 5000`,
      )
      .pluck()
      .all() as string[];
  } catch {
    // A virtual table without its module.
    return [];
  }
}

/** By the fewest letters to change; at most a third of them. */
function nearest(name: string, names: readonly string[]): string | null {
  const most = Math.max(1, Math.floor(name.length / 3));
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const one of names) {
    if (Math.abs(one.length - name.length) > most) continue;
    const distance = lettersBetween(name.toLowerCase(), one.toLowerCase());
    if (distance <= most && (best === null || distance < best.distance)) best = { name: one, distance };
  }
  return best?.name ?? null;
}

/** Levenshtein's distance. */
function lettersBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
