// Whether SQL only reads, so that an executor may run it that has the database open for reading. A wrong "yes" costs a
// second run, after SQLite has refused the first; a wrong "no" costs a wait behind a program that writes.
import { isReading, type Statement, splitStatements } from './sql-statements.ts';
import { nameOf } from './sql-tokens.ts';

/** SQL of more characters is not cut into tokens by the server process, which serves nobody else meanwhile. */
const tokenizedChars = 8 * 1024;
/** Nor is a longer body looked at at all. */
const searchedBytes = 1024 * 1024;

/** Pragmas that set the connection or work on the file, and run outside of a transaction. */
const actingPragma = /^(foreign_keys|journal_mode|synchronous|wal_checkpoint)$/i;
/** What they answer depends on what this very connection has written. */
const ownWrites = /^(changes|last_insert_rowid|total_changes)$/i;
/** Without one of these nothing is written, and nothing depends on an earlier write. */
const suspicious =
  /\b(?:ALTER|ANALYZE|ATTACH|BEGIN|CHANGES|COMMIT|CREATE|DELETE|DETACH|DROP|END|INSERT|LAST_INSERT_ROWID|PRAGMA|REINDEX|RELEASE|REPLACE|ROLLBACK|SAVEPOINT|TOTAL_CHANGES|UPDATE|VACUUM)\b/i;

const writesAtOnce = /^\s*(?:ALTER|CREATE|DELETE|DROP|INSERT|REPLACE|UPDATE)\b/i;

/** By its words the statement runs on a connection that only reads, and is answered there as it would be elsewhere. */
export function readsOnly(statement: Statement): boolean {
  if (!isReading(statement)) return false;
  const { keyword, tokens } = statement;
  if (keyword === 'PRAGMA') return !tokens.some((token) => actingPragma.test(nameOf(token)));
  return !tokens.some((token, at) => tokens[at + 1]?.text === '(' && ownWrites.test(nameOf(token)));
}

/** Of a script. Quick: what is long and looks as if it wrote counts as writing. */
export function seemsToRead(script: string): boolean {
  if (!suspicious.test(script)) return true;
  if (writesAtOnce.test(script) || script.length > tokenizedChars) return false;
  return splitStatements(script).every(readsOnly);
}

/**
 * Whether a script may end WAL mode: SQLite does so only for the one connection of a database, and does not wait until
 * the others are closed.
 */
export function mayLeaveWal(script: string): boolean {
  return /journal_mode\W*[=(]/i.test(script);
}

/** Of the body of POST /db. */
export function bodyMayLeaveWal(body: Uint8Array): boolean {
  return body.length <= searchedBytes && mayLeaveWal(latin1(body));
}

/** Of the body of POST /db, which may be anything. */
export function bodySeemsToRead(body: Uint8Array): boolean {
  if (body.length > searchedBytes) return false;
  const text = latin1(body);
  if (!suspicious.test(text)) return true;
  return text.length <= tokenizedChars && scriptsIn(body).every(seemsToRead);
}

/** The texts of a body that may be SQL; one that writes for what is no such body. */
function scriptsIn(body: Uint8Array): readonly string[] {
  const scripts: string[] = [];
  try {
    JSON.parse(Buffer.from(body).toString(), (name, value: unknown) => {
      if (name === 'valuesBatch') scripts.push('VACUUM');
      if (typeof value === 'string' && /^(?:query|statement|sql)$/.test(name)) scripts.push(value);
    });
  } catch {
    return ['VACUUM'];
  }
  return scripts;
}

function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
}
