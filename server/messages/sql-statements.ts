// Splits a script into statements and says of each what the API must know before SQLite sees it: its first keyword, its
// parameters, and whether it may write. Pure text work; SQLite remains the judge.
import { type Token, tokenize } from './sql-tokens.ts';

export interface Statement {
  readonly sql: string;
  /** Positions count from the start of the whole script; `offset` is where `sql` begins in it. */
  readonly tokens: readonly Token[];
  readonly offset: number;
  /** Upper case; after EXPLAIN [QUERY PLAN], the keyword that is explained stays `EXPLAIN`. */
  readonly keyword: string;
}

const writingWords: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);

/** The statements of a script; empty ones (`;;`, comments only) are left out. */
export function splitStatements(script: string): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  for (const token of tokenize(script)) {
    if (token.kind !== 'semicolon') {
      tokens.push(token);
    } else if (isInsideTrigger(tokens)) {
      tokens.push(token);
    } else {
      if (tokens.length > 0) statements.push(makeStatement(script, tokens));
      tokens = [];
    }
  }
  if (tokens.length > 0) statements.push(makeStatement(script, tokens));
  return statements;
}

/** Whether the statement can be run in a read transaction, by its words; a wrong "no" only costs a write lock. */
export function isReading({ keyword, tokens }: Statement): boolean {
  if (keyword === 'SELECT' || keyword === 'VALUES' || keyword === 'EXPLAIN') return true;
  if (keyword === 'PRAGMA') return isAskingPragma(tokens);
  // replace(x, y, z) is a function, REPLACE INTO is not.
  return (
    keyword === 'WITH' &&
    !tokens.some(
      ({ kind, text }, index) => kind === 'word' && writingWords.has(text) && tokens[index + 1]?.text !== '(',
    )
  );
}

/** Without an argument, or with one that says what to look at. */
function isAskingPragma(tokens: readonly Token[]): boolean {
  const at = tokens[2]?.text === '.' ? 3 : 1;
  const name = tokens[at]?.text.toLowerCase() ?? '';
  if (tokens.length <= at + 1) return name !== 'optimize' && name !== 'incremental_vacuum';
  return /^(foreign_key_(list|check)|index_\w+|table_\w+|integrity_check|quick_check)$/.test(name);
}

/** As sqlite3_complete(): the body of a trigger ends at `; END ;`, so a semicolon before that does not split. */
function isInsideTrigger(tokens: readonly Token[]): boolean {
  if (!isCreateTrigger(tokens)) return false;
  const last = tokens.at(-1);
  const before = tokens.at(-2);
  return !(last?.kind === 'word' && last.text === 'END' && before?.kind === 'semicolon');
}

function isCreateTrigger(tokens: readonly Token[]): boolean {
  let words = tokens.slice(0, 6).map(({ text }) => text);
  if (words[0] === 'EXPLAIN') words = words.slice(words[1] === 'QUERY' && words[2] === 'PLAN' ? 3 : 1);
  if (words[0] !== 'CREATE') return false;
  return words[1] === 'TEMP' || words[1] === 'TEMPORARY' ? words[2] === 'TRIGGER' : words[1] === 'TRIGGER';
}

function makeStatement(script: string, tokens: readonly Token[]): Statement {
  const offset = tokens[0]?.start ?? 0;
  const first = tokens[0];
  return {
    sql: script.slice(offset, tokens.at(-1)?.end ?? offset),
    tokens,
    offset,
    keyword: first?.kind === 'word' ? first.text : '',
  };
}
