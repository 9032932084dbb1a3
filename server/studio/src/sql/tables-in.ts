// The tables that a statement names, with their aliases: completion offers their columns. Pure.
import { nameOf, type Token } from '../../../messages/sql-tokens.ts';

export interface NamedTable {
  /** As written, without quotes. */
  readonly table: string;
  readonly alias: string | null;
}

const introducers: ReadonlySet<string> = new Set(['FROM', 'JOIN', 'UPDATE', 'INTO']);

/** Words that may stand behind a table's name and are no alias. */
const notAlias: ReadonlySet<string> = new Set(
  (
    'AS ON USING WHERE SET VALUES SELECT JOIN LEFT RIGHT FULL INNER CROSS NATURAL OUTER GROUP ORDER HAVING LIMIT ' +
    'WINDOW UNION EXCEPT INTERSECT INDEXED NOT DEFAULT RETURNING FROM'
  ).split(' '),
);

/** In the order of the text. Inner SELECTs count as well: a column too many in a list does no harm. */
export function tablesIn(script: string, tokens: readonly Token[]): NamedTable[] {
  const found: NamedTable[] = [];
  let expected = false;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind === 'word' && introducers.has(token.text)) {
      expected = true;
      continue;
    }
    // UPDATE OR IGNORE t: the words between belong to the verb.
    if (expected && token.kind === 'word' && /^(OR|IGNORE|REPLACE|ABORT|FAIL|ROLLBACK)$/.test(token.text)) continue;
    if (!expected || !isName(token)) {
      expected = false;
      continue;
    }
    if (tokens[at + 1]?.text === '.') at += 2;
    const name = tokens[at];
    if (name === undefined || !isName(name)) break;
    const { alias, next } = aliasAfter(script, tokens, at + 1);
    found.push({ table: written(script, name), alias });
    // FROM a, b: another table follows the comma.
    expected = tokens[next]?.text === ',';
    at = expected ? next : next - 1;
  }
  return found;
}

function aliasAfter(script: string, tokens: readonly Token[], at: number): { alias: string | null; next: number } {
  const isAs = tokens[at]?.kind === 'word' && tokens[at]?.text === 'AS';
  const token = tokens[isAs ? at + 1 : at];
  if (token === undefined || !isName(token) || (token.kind === 'word' && notAlias.has(token.text))) {
    return { alias: null, next: isAs ? at + 1 : at };
  }
  return { alias: written(script, token), next: isAs ? at + 2 : at + 1 };
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'quoted' || kind === 'string';
}

/** Words stand in upper case in their token; names are shown as they were written. */
function written(script: string, token: Token): string {
  return token.kind === 'word' ? script.slice(token.start, token.end) : nameOf(token);
}
