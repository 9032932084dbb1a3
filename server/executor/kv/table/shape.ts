// Whether a table that somebody else made can be used as a KV table: every value, key, type and time that is written
// must come back as it is, under the same key. Where a declaration gets in the way, the refusal names it.
// https://sqlite.org/datatype3.html: affinity (3.1), collations (7). https://sqlite.org/stricttables.html

import { nameOf, tokenize } from '../../../messages/sql-tokens.ts';
import type { Connection } from '../../connection.ts';
import { kvColumns } from './schema.ts';

type Affinity = 'TEXT' | 'NUMERIC' | 'INTEGER' | 'REAL' | 'BLOB';
type KvColumn = (typeof kvColumns)[number];

const asText: readonly Affinity[] = ['TEXT', 'BLOB'];
const asNumber: readonly Affinity[] = ['NUMERIC', 'INTEGER', 'REAL', 'BLOB'];

/** What a column may do to what is stored in it. STRICT tables convert as well, and refuse what they cannot. */
const columnRules: Readonly<
  Record<
    KvColumn,
    { readonly affinities: readonly Affinity[]; readonly strict: readonly string[]; readonly harm: string }
  >
> = {
  key: { affinities: asText, strict: ['TEXT', 'ANY'], harm: 'keys such as 007 would become numbers' },
  value: { affinities: asText, strict: ['ANY'], harm: 'texts and bytes would be changed or refused' },
  content_type: { affinities: asText, strict: ['TEXT', 'ANY'], harm: 'it would not keep every text' },
  created_at: { affinities: asNumber, strict: ['INT', 'INTEGER', 'REAL', 'ANY'], harm: 'times would become texts' },
  updated_at: { affinities: asNumber, strict: ['INT', 'INTEGER', 'REAL', 'ANY'], harm: 'times would become texts' },
  expire_at: { affinities: asNumber, strict: ['INT', 'INTEGER', 'REAL', 'ANY'], harm: 'no time to live would end' },
};

/** Compared as they are stored, by triggers and look-ups: another collation takes different texts for the same. */
const comparedColumns: readonly KvColumn[] = ['key', 'value', 'content_type'];

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  /** 2 or 3: a generated column. */
  readonly hidden: number;
}

/** What keeps an ordinary table from being a KV table, as the end of a sentence; null: nothing. */
export function shapeProblem({ statement }: Connection, table: string, sql: string): string | null {
  const rows = statement('SELECT name, type, "notnull", hidden FROM pragma_table_xinfo(?)').all(table) as ColumnRow[];
  const isStrict = statement("SELECT strict FROM pragma_table_list(?) WHERE schema = 'main'").pluck().get(table) === 1;
  const columns = new Map(rows.map((row) => [row.name.toLowerCase(), row]));
  const missing = kvColumns.filter((name) => !columns.has(name));
  if (missing.length > 0) return `it has no column ${missing.join(', ')}`;
  for (const name of kvColumns) {
    const column = columns.get(name);
    const problem = column === undefined ? null : columnProblem(name, column, isStrict);
    if (problem !== null) return problem;
  }
  const collations = collationsOf(sql);
  for (const name of comparedColumns) {
    const collation = collations.get(name);
    if (collation !== undefined && collation !== 'BINARY') {
      return `its column ${name} has COLLATE ${collation}, which takes different texts for the same`;
    }
  }
  if (columns.get('expire_at')?.notnull === 1) {
    return 'its column expire_at is NOT NULL, but keys without a time to live have none';
  }
  if (!hasUniqueKey(statement, table)) {
    return 'its column key is neither PRIMARY KEY nor UNIQUE by itself, in the collation BINARY';
  }
  return null;
}

function columnProblem(name: KvColumn, { type, hidden }: ColumnRow, isStrict: boolean): string | null {
  if (hidden !== 0) return `its column ${name} is generated`;
  const { affinities, strict, harm } = columnRules[name];
  const isFit = isStrict ? strict.includes(type.toUpperCase()) : affinities.includes(affinityOf(type));
  return isFit ? null : `its column ${name} is declared ${type}${isStrict ? ' in a STRICT table' : ''}: ${harm}`;
}

/** Of a declared type, by SQLite's rules in their order. */
function affinityOf(type: string): Affinity {
  if (/INT/i.test(type)) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/i.test(type)) return 'TEXT';
  if (type === '' || /BLOB/i.test(type)) return 'BLOB';
  return /REAL|FLOA|DOUB/i.test(type) ? 'REAL' : 'NUMERIC';
}

/** COLLATE in the definitions of columns, by their names in lower case. No pragma tells it. */
function collationsOf(sql: string): Map<string, string> {
  const collations = new Map<string, string>();
  const tokens = tokenize(sql);
  let depth = 0;
  let column = '';
  for (const [at, token] of tokens.entries()) {
    const isPart = depth === 1;
    if (token.text === '(') depth += 1;
    else if (token.text === ')') depth -= 1;
    else if (isPart && /^[(,]$/.test(tokens[at - 1]?.text ?? '')) column = nameOf(token).toLowerCase();
    else if (isPart && token.text === 'COLLATE') {
      const name = tokens[at + 1];
      if (name !== undefined) collations.set(column, nameOf(name).toUpperCase());
    }
  }
  return collations;
}

function hasUniqueKey(statement: Connection['statement'], table: string): boolean {
  const indexes = statement('SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial').pluck().all(table);
  return indexes.some((index) => {
    const columns = statement('SELECT name, coll FROM pragma_index_xinfo(?) WHERE key').all(index) as {
      name: string | null;
      coll: string;
    }[];
    const [only] = columns;
    return columns.length === 1 && only?.name?.toLowerCase() === 'key' && only.coll.toUpperCase() === 'BINARY';
  });
}
