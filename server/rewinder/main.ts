// The rewinder: a process of its own for one rewind. It takes the write lock as any client does, makes the old state
// the newest one by one transaction, and ends. Killed at any moment it leaves the old state or the new one: the kernel
// drops its locks, half a transaction in a write-ahead log is none, and a rollback journal takes back the other half.
import { fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import Database from 'better-sqlite3';
import koffi from 'koffi';
import { Connection } from '../executor/connection.ts';
import { checkHeader, findFile, identityOfOpenFile } from '../executor/files.ts';
import { resetIdentities } from '../executor/kv/table/table.ts';
import { jobToApiError } from '../executor/sql/sqlite-errors.ts';
import { ApiError, toErrorData } from '../messages/errors.ts';
import type { FromRewinder, PageFile, StateFile, ToRewinder } from '../messages/rewinder.ts';
import { firstPage } from './first-page.ts';
import { openPageFile } from './page-file.ts';
import { replaceWhole } from './rollback-writer.ts';
import { WalIndex } from './wal-index.ts';
import { WalWriter } from './wal-writer.ts';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
/** How long to wait for others with what comes after the rewind. */
const busyAfterwardsMs = 10_000;
/** How often somebody may empty the log between its first frame and the lock. */
const attempts = 20;

interface Locked {
  readonly database: Database.Database;
  readonly path: string;
  readonly identity: string;
  /** undefined: it commits with a rollback journal. */
  readonly wal: WalFiles | undefined;
  readonly sinceMs: number;
}

interface WalFiles {
  readonly index: WalIndex;
  readonly writer: WalWriter;
}

let locked: Locked | undefined;

function send(message: FromRewinder, then: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, then);
}

function start({ path, rules, busyTimeoutMs }: ToRewinder & { type: 'start' }): void {
  const file = findFile(path, rules);
  if (file.identity === null) throw new ApiError('DATABASE_NOT_FOUND', 'database not found');
  checkHeader(file);
  const database = new Database(file.path, { fileMustExist: true, timeout: busyTimeoutMs });
  const identity = identityOfOpenFile(file.path);
  if (identity === null || identity !== file.identity) {
    throw new ApiError('INVALID_DB_PATH', 'the database path changed while it was opened');
  }
  database.exec('PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=OFF');
  const isInWal = database.pragma('journal_mode', { simple: true }) === 'wal';
  locked = isInWal ? lockWal(database, file.path, identity) : lockWhole(database, file.path, identity);
  send({ type: 'locked', journal: isInWal ? 'wal' : 'rollback' });
}

/** Readers end first: with a rollback journal nobody may read while pages are written. */
function lockWhole(database: Database.Database, path: string, identity: string): Locked {
  database.exec('BEGIN EXCLUSIVE');
  return { database, path, identity, wal: undefined, sinceMs: performance.now() };
}

/** An empty log has no header to append to: a commit that changes nothing lets SQLite begin it. */
function lockWal(database: Database.Database, path: string, identity: string): Locked {
  let files: WalFiles | undefined;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    database.exec('BEGIN IMMEDIATE');
    const sinceMs = performance.now();
    files ??= openFiles(path);
    if (files.index.header().mxFrame > 0) return { database, path, identity, wal: files, sinceMs };
    const version = database.pragma('user_version', { simple: true });
    database.exec(`PRAGMA user_version=${version}; COMMIT`);
  }
  throw new ApiError('DATABASE_BUSY', 'the write-ahead log is emptied again and again; try again');
}

/** Never closed: to close a descriptor of a file drops this process's locks on it. */
function openFiles(path: string): WalFiles {
  const index = new WalIndex(openBeside(`${path}-shm`));
  return { index, writer: new WalWriter(openBeside(`${path}-wal`), index) };
}

/** @throws ApiError where another file has the name than the one that SQLite has open */
function openBeside(path: string): number {
  const own = identityOfOpenFile(path);
  const fd = openSync(path, 'r+');
  const { dev, ino } = fstatSync(fd, { bigint: true });
  if (own !== `${dev}:${ino}`) throw new ApiError('CONFLICT', `another file has taken the name ${basename(path)}`);
  return fd;
}

function rewind(path: string, { index, writer }: WalFiles, file: PageFile): number {
  const { pageBytes } = index.header();
  checkPageBytes(file, pageBytes);
  const pages = openPageFile(file);
  const newest = writer.readPage(1) ?? readFirst(path, pageBytes);
  const hasFirst = pages.numbers[0] === 1;
  const wanted = Buffer.from(newest);
  if (hasFirst) pages.read(0, wanted);
  const first = firstPage(wanted, newest, file.databasePages, 'wal');
  writer.append({
    pageNumbers: hasFirst ? pages.numbers : Uint32Array.of(1, ...pages.numbers),
    databasePages: file.databasePages,
    read: (place, target) => {
      if (place === 0) target.set(first);
      else pages.read(hasFirst ? place : place - 1, target);
    },
  });
  return pages.numbers.length + (hasFirst ? 0 : 1);
}

/** Of the database file: no frame has it, so no checkpoint writes it now. The descriptor stays open. */
function readFirst(path: string, pageBytes: number): Buffer {
  const page = Buffer.alloc(pageBytes);
  if (readSync(openSync(path, 'r'), page, 0, pageBytes, 0) < pageBytes) throw new Error('the database has no page 1');
  return page;
}

/** A cursor or ETag of the time that is undone must not be taken for one of the time that follows. */
function resetCursors(database: Database.Database, { path, identity }: Locked): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    resetIdentities(new Connection(database, path, identity));
    database.exec('COMMIT');
    return true;
  } catch {
    if (database.inTransaction) database.exec('ROLLBACK');
    return false;
  }
}

function finish(held: Locked, wal: WalFiles, file: PageFile): void {
  const next = openNext(held);
  next.pragma('schema_version'); // in use by it, the log outlives the close of the other connection
  const pages = rewind(held.path, wal, file);
  giveBack(held, next, pages);
}

function finishWhole(held: Locked, file: StateFile): void {
  const main = openBeside(held.path); // never closed
  const pages = replaceWhole(held.path, main, file, (pageBytes) => checkPageBytes(file, pageBytes));
  giveBack(held, undefined, pages);
}

function openNext({ path }: Locked): Database.Database {
  return new Database(path, { fileMustExist: true, timeout: busyAfterwardsMs });
}

/** `open`: a connection for what comes next; undefined: none can be opened before. */
function giveBack(held: Locked, open: Database.Database | undefined, pages: number): void {
  // It gives the lock back, and can do no more: it would take the pages that it has cached for those of the new state.
  held.database.close();
  const heldMs = performance.now() - held.sinceMs;
  const next = open ?? openNext(held);
  const areCursorsReset = pages > 0 && resetCursors(next, held);
  send({ type: 'done', pages, heldMs, areCursorsReset }, () => {
    next.close();
    process.exit(0);
  });
}

function checkPageBytes(file: StateFile, pageBytes: number): void {
  if (file.pageBytes === pageBytes) return;
  const reason = `the state has pages of ${file.pageBytes} bytes, the database of ${pageBytes}: fork it instead`;
  throw new ApiError('CONFLICT', reason);
}

function receive(message: ToRewinder): void {
  try {
    switch (message.type) {
      case 'start':
        process.title = `hoody-sqlite rewind ${basename(message.path)}`;
        start(message);
        break;
      case 'pages':
        if (locked?.wal !== undefined) finish(locked, locked.wal, message.file);
        break;
      case 'state':
        if (locked !== undefined) finishWhole(locked, message.file);
        break;
      case 'give-up':
        locked?.database.close();
        process.exit(0);
        break;
      default:
        message satisfies never;
    }
  } catch (error) {
    send({ type: 'failed', error: toErrorData(jobToApiError(error)) }, () => process.exit(0));
  }
}

// A server that is killed cannot tell its rewinder to end, which may hold the write lock.
koffi.load(null).func('int prctl(int option, unsigned long value)')(PR_SET_PDEATHSIG, SIGKILL);
process.on('message', (message) => receive(message as ToRewinder));
process.on('disconnect', () => process.exit(0));
// The server may have gone while this module was being loaded: then nobody hears the event.
if (!process.connected) process.exit(0);
