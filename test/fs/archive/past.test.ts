import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog } from '../../../fs/archive/log/log-files.ts';
import type {
  At,
  ChangedTablesAnswer,
  HistoryAnswer,
  HistoryEntry,
  LastRewind,
  Moment,
  PartsAnswer,
  PatchAnswer,
} from '../../../fs/archive/messages.ts';
import { writeState } from '../../../server/executor/write-state.ts';
import { placeBookmark } from '../../../server/messages/bookmark.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';
import { ArchivedDatabase, dumpOf, someWork } from './archived-database.ts';

// Every write of a log is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let archived: ArchivedDatabase;
const database = 'app.db';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-past-'));
});
afterEach(() => {
  archived.close();
  rmSync(folder, { recursive: true, force: true });
});

function bookmark(number: number): string {
  return `00000001-${number.toString(16).padStart(12, '0')}`;
}

/** Opens it as a program would that may not write, and checks it. */
function dumpOfFile(path: string): string {
  chmodSync(path, 0o444);
  const db = new Database(path, { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return dumpOf(db);
  } finally {
    db.close();
    rmSync(path);
  }
}

async function dumpAt(number: number): Promise<string> {
  const path = join(folder, 'then.db');
  await archived.ask({ op: 'materialise', database, at: { number }, path });
  return dumpOfFile(path);
}

test.each([
  [512, 'none'],
  [512, 'full'],
  [4096, 'none'],
  [4096, 'incremental'],
  [65536, 'full'],
])('pages of %i bytes, auto_vacuum %s: every moment is the whole database as it was', async (pageBytes, autoVacuum) => {
  archived = new ArchivedDatabase(folder, { pageBytes, autoVacuum, segmentBytes: 40 * pageBytes });
  const random = wholeFrom(pageBytes + autoVacuum.length);
  archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, data BLOB)'));
  const commits = 50;
  for (let count = 2; count <= commits; count++) archived.commit(someWork(random));
  const raws = listLog(archived.folder).raw;
  expect(raws.length).toBeGreaterThan(2);
  for (const first of raws.slice(0, -1)) await compress(archived.folder, first);
  for (let number = 1; number <= commits; number++) {
    expect([number, await dumpAt(number)]).toEqual([number, archived.dumps[number]]);
  }
  for (const number of [1, 7, 20, 33, commits]) {
    expect([number, await dumpAfterPatch(number)]).toEqual([number, archived.dumps[number]]);
    expect([number, await dumpOfParts(number)]).toEqual([number, archived.dumps[number]]);
  }
});

/** Put together as a fork does it. */
async function dumpOfParts(number: number): Promise<string> {
  const [base, path, target] = [join(folder, 'base'), join(folder, 'patch'), join(folder, 'forked.db')];
  const { moment, pages, stamp } = await archived.ask<PartsAnswer>({
    op: 'parts',
    database,
    at: { number },
    base,
    path,
  });
  const { pageBytes, databasePages } = moment;
  writeState({ base: { path: base, ...stamp }, patch: { path, pages }, pageBytes, databasePages }, target);
  expect(existsSync(path)).toBe(pages > 0);
  for (const made of [base, path]) rmSync(made, { force: true });
  return dumpOfFile(target);
}

/** The newest state with the pages of the patch, cut to the moment's size: it must be the moment's state. */
async function dumpAfterPatch(number: number): Promise<string> {
  const [path, target] = [join(folder, 'patch'), join(folder, 'patched.db')];
  const answer = await archived.ask<PatchAnswer>({ op: 'patch', database, at: { number }, path });
  const entry = 4 + answer.moment.pageBytes;
  const patch = readFileSync(path);
  expect(patch.length).toBe(answer.pages * entry);
  const size = answer.moment.databasePages * answer.moment.pageBytes;
  const content = Buffer.concat([readFileSync(archived.file), Buffer.alloc(size, 0xee)]).subarray(0, size);
  for (let at = 0; at < patch.length; at += entry) {
    const start = (patch.readUInt32LE(at) - 1) * answer.moment.pageBytes;
    const page = patch.subarray(at + 4, at + entry);
    const isBeyondHead = start >= statSync(archived.file).size;
    if (!isBeyondHead) expect(content.subarray(start, start + page.length).equals(page)).toBe(false);
    page.copy(content, start);
  }
  rmSync(path);
  writeFileSync(target, content);
  return dumpOfFile(target);
}

test('a moment is named by time, bookmark, number and head; what is not there is said', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
  for (let count = 2; count <= 20; count++) archived.commit((db) => db.exec("INSERT INTO t (name) VALUES ('x')"));
  const resolve = (at: At) => archived.ask<Moment>({ op: 'resolve', database, at });
  const moment = { bookmark: bookmark(5), number: 5, timeMs: archived.times[5], databasePages: 2, pageBytes: 4096 };
  expect(await resolve({ number: 5 })).toEqual(moment);
  expect(await resolve({ bookmark: bookmark(5) })).toEqual(moment);
  expect(await resolve({ timeMs: archived.times[5] ?? 0 })).toEqual(moment);
  expect(await resolve({ timeMs: (archived.times[6] ?? 0) - 0.5 })).toEqual(moment);
  expect(await resolve({ head: true })).toMatchObject({ number: 20 });
  await expect(resolve({ timeMs: 5 })).rejects.toThrow('too-old: app.db: the history does not go back so far');
  await expect(resolve({ bookmark: '00000001-0000000000ff' })).rejects.toThrow('unknown-bookmark: app.db has no');
  await expect(resolve({ bookmark: '00000009-000000000001' })).rejects.toThrow('unknown-bookmark');
  await expect(resolve({ bookmark: 'yesterday' })).rejects.toThrow("'yesterday' is not a bookmark");
  await expect(archived.ask({ op: 'resolve', database: 'no.db', at: { head: true } })).rejects.toThrow('not-archived');
});

test('after a new incarnation, older moments are still there, but no patch leads to them', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
  archived.commit((db) => db.exec("INSERT INTO t (name) VALUES ('x')"));
  const log = archived.store.newIncarnation(archived.id, 'another file');
  const old = readFileSync(archived.file);
  const timeMs = (archived.times[2] ?? 0) + 5000;
  const position = { salt1: 0, salt2: 0, frames: 0, checksum1: 0, checksum2: 0 };
  const pageNumbers = Uint32Array.from([1, 2]);
  const common = { timeMs, writer: null, pageBytes: 4096, databasePages: 2, pageNumbers, pages: old, position };
  log.append({ kind: 'base', ...common });
  const at = { number: 1 };
  await expect(archived.ask({ op: 'resolve', database, at })).rejects.toThrow('the first copy is still being made');
  const path = archived.store.unfinishedBasePath(archived.id);
  cpSync(archived.file, path);
  log.setBase(path, 1);
  expect(await archived.ask({ op: 'resolve', database, at })).toMatchObject({ bookmark: '00000002-000000000001' });
  const before = { timeMs: timeMs - 1 };
  expect(await archived.ask({ op: 'resolve', database, at: before })).toMatchObject({ bookmark: bookmark(2) });
  const file = join(folder, 'file');
  await archived.ask({ op: 'materialise', database, at: before, path: file });
  expect(dumpOfFile(file)).toBe(archived.dumps[2]);
  await expect(archived.ask({ op: 'patch', database, at: before, path: file })).rejects.toThrow('fork it instead');
  const { entries } = await archived.ask<HistoryAnswer>({ op: 'history', database, limit: 10 });
  expect(entries.map((entry) => entry.bookmark)).toEqual(['00000002-000000000001', bookmark(2), bookmark(1)]);
});

test('history is paged, filtered by time and by table, and names what each commit wrote', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT)'), 'sqlite3 app.db');
  archived.commit((db) => db.exec('CREATE TABLE b (id INTEGER PRIMARY KEY, name TEXT UNIQUE)'));
  archived.commit((db) => db.exec('CREATE INDEX a_name ON a (name)'));
  const insert = (table: string, row: number) =>
    archived.commit((db) => db.prepare(`INSERT INTO ${table} (name) VALUES (?)`).run(`${row} ${'long '.repeat(90)}`));
  for (let row = 0; row < 120; row++) insert(row % 3 === 0 ? 'b' : 'a', row);
  archived.commit((db) => db.exec('DROP TABLE b'));
  archived.commit((db) => db.pragma('user_version = 3'));
  const ask = (more: object) => archived.ask<HistoryAnswer>({ op: 'history', database, limit: 1000, ...more });
  const all = await ask({ withTables: true });
  const tables = new Map(all.entries.map((entry) => [entry.number, entry.tables]));
  expect(all).toMatchObject({ hasMore: false, oldest: { number: 1 }, entries: { length: 125 } });
  expect(all.entries.at(-1)).toMatchObject({
    kind: 'base',
    writer: { pid: 7, command: 'sqlite3 app.db', container: 'web' },
  });
  for (let number = 4; number < 124; number++) {
    const isB = (number - 4) % 3 === 0;
    expect([number, tables.get(number)]).toEqual([number, isB ? ['b', 'sqlite_autoindex_b_1'] : ['a', 'a_name']]);
  }
  expect(tables.get(3)).toEqual(['a_name', 'sqlite_schema']);
  expect(tables.get(124)).toContain('sqlite_schema');
  expect(tables.get(125)).toEqual([]);
  const onlyB = (await ask({ table: 'b' })).entries.map(({ number }) => number);
  expect(onlyB.filter((number) => number >= 4 && number < 124)).toEqual(
    Array.from({ length: 40 }, (_, index) => 4 + 3 * (39 - index)),
  );
  const range = await ask({ sinceMs: archived.times[10], untilMs: (archived.times[13] ?? 0) - 1 });
  expect(range.entries.map(({ number }) => number)).toEqual([12, 11, 10]);
  const paged: HistoryEntry[] = [];
  for (let before: string | undefined; ; before = paged.at(-1)?.bookmark) {
    const page = await ask({ limit: 7, withTables: true, ...(before === undefined ? {} : { before }) });
    paged.push(...page.entries);
    if (!page.hasMore) break;
  }
  expect(paged).toEqual(all.entries);
  const at = (number: number) => ({ number });
  const changed = await archived.ask<ChangedTablesAnswer>({ op: 'changed-tables', database, from: at(20), to: at(21) });
  expect(changed).toMatchObject({ from: { number: 20 }, to: { number: 21 }, tables: tables.get(21) });
});

test('a commit that writes overflow pages alone belongs to the table of their row', async () => {
  archived = new ArchivedDatabase(folder);
  const value = (end: string): string => 'a'.repeat(20_000) + end;
  archived.commit((db) =>
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (id INTEGER PRIMARY KEY, v)'),
  );
  archived.commit((db) => db.prepare('INSERT INTO t VALUES (1, ?)').run(value('x')));
  archived.commit((db) => db.prepare('UPDATE t SET v = ?').run(value('y')));
  // The pages go from one table to the other.
  archived.commit((db) => db.exec('DELETE FROM t'));
  archived.commit((db) => db.prepare('INSERT INTO u VALUES (1, ?)').run(value('x')));
  archived.commit((db) => db.prepare('UPDATE u SET v = ?').run(value('y')));
  archived.commit((db) => db.prepare('UPDATE u SET v = ?').run(value('z')));
  const question = { op: 'history', database, limit: 1000, withTables: true } as const;
  const { entries } = await archived.ask<HistoryAnswer>(question);
  expect(entries.map(({ number, pages, tables }) => [number, pages, tables]).slice(0, 5)).toEqual([
    [7, 2, ['u']],
    [6, 2, ['u']],
    [5, expect.any(Number), ['u']],
    [4, expect.any(Number), ['t']],
    [3, 2, ['t']],
  ]);
  const ofTable = await archived.ask<HistoryAnswer>({ ...question, table: 't' });
  expect(ofTable.entries.map(({ number }) => number)).toContain(3);
});

test('a commit that writes pages of one table and overflow pages of another belongs to both', async () => {
  archived = new ArchivedDatabase(folder);
  const value = (end: string): string => 'a'.repeat(20_000) + end;
  archived.commit((db) =>
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (id INTEGER PRIMARY KEY, v)'),
  );
  archived.commit((db) => db.prepare('INSERT INTO t VALUES (1, ?), (2, ?)').run(value('x'), value('x')));
  const both = (end: string) => (db: ArchivedDatabase['db']) =>
    db.transaction(() => {
      db.prepare('UPDATE t SET v = ? WHERE id = 1').run(value(end));
      db.prepare('INSERT INTO u (v) VALUES (?)').run('short');
    })();
  archived.commit(both('y'));
  archived.commit((db) => db.exec('DELETE FROM t WHERE id = 2'));
  // The free pages go to the other table.
  archived.commit((db) => db.prepare('INSERT INTO u (v) VALUES (?)').run(value('x')));
  archived.commit(both('z'));
  const { entries } = await archived.ask<HistoryAnswer>({ op: 'history', database, limit: 1000, table: 't' });
  expect(entries.map(({ number, tables }) => [number, tables])).toEqual([
    [6, ['t', 'u']],
    [4, ['t']],
    [3, ['t', 'u']],
    [2, ['t']],
  ]);
});

test.each(['none', 'full'])(
  'tables are the same whether each commit is looked at alone, auto_vacuum %s',
  async (autoVacuum) => {
    archived = new ArchivedDatabase(folder, { pageBytes: 512, autoVacuum });
    const random = wholeFrom(41);
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, data BLOB)'));
    for (let count = 2; count <= 120; count++) archived.commit(someWork(random));
    const ask = (more: object) =>
      archived.ask<HistoryAnswer>({ op: 'history', database, limit: 1000, withTables: true, ...more });
    const { entries } = await ask({});
    expect(entries).toHaveLength(120);
    for (const [index, entry] of entries.entries()) {
      const before = entries[index - 1]?.bookmark;
      const alone = await ask({ limit: 1, ...(before === undefined ? {} : { before }) });
      expect(alone.entries).toEqual([entry]);
    }
  },
);

test('a rewind is shown in the history and found again', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
  for (let count = 2; count <= 5; count++) archived.commit((db) => db.exec("INSERT INTO t (name) VALUES ('x')"));
  expect(await archived.ask({ op: 'last-rewind', database })).toBe(null);
  archived.commit((db) => db.exec('DELETE FROM t'));
  const [from, to] = [bookmark(5), bookmark(2)];
  archived.commit((db) => db.exec("INSERT INTO t (name) VALUES ('y')"));
  expect(await archived.ask({ op: 'mark-rewind', database, from, to })).toMatchObject({ number: 6 });
  expect(await archived.ask<LastRewind>({ op: 'last-rewind', database })).toMatchObject({
    from: { number: 5 },
    to: { number: 2 },
    rewind: { number: 6 },
  });
  const { entries } = await archived.ask<HistoryAnswer>({ op: 'history', database, limit: 2 });
  expect(entries.map(({ number, rewoundTo }) => [number, rewoundTo])).toEqual([
    [7, undefined],
    [6, bookmark(2)],
  ]);
});

test('a materialised file is the database, byte by byte, in WAL mode too', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
  archived.commit((db) => {
    db.pragma('journal_mode = wal');
    db.exec("INSERT INTO t (name) VALUES ('x')");
    db.pragma('wal_checkpoint(truncate)');
  });
  expect(readFileSync(archived.file).subarray(18, 20)).toEqual(Buffer.from([2, 2]));
  const path = join(folder, 'then.db');
  await archived.ask({ op: 'materialise', database, at: { number: 2 }, path });
  expect(readFileSync(path).equals(readFileSync(archived.file))).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o666);
  rmSync(path);
  expect(await dumpAt(1)).toBe(archived.dumps[1]);
  await expect(archived.ask({ op: 'materialise', database, at: { head: true }, path: archived.file })).rejects.toThrow(
    'EEXIST',
  );
  const status = await archived.ask({ op: 'status' });
  expect(status).toMatchObject({
    databases: [{ name: 'app.db', state: 'current', commits: 2, oldestMs: archived.times[1], gaps: 0 }],
  });
});

test('a bookmark of where the log ended is the commit that ended there, or the one beside it', async () => {
  archived = new ArchivedDatabase(folder);
  const places = [archived.position];
  for (let commit = 1; commit <= 40; commit++) {
    places[commit] = archived.position;
    archived.commit((db) => db.exec(`CREATE TABLE t${commit} (a)`));
  }
  const resolve = async (number: number, relation: 'at' | 'after' | 'before', timeMs = archived.times[number] ?? 0) => {
    const place = places[number];
    if (place === undefined) throw new Error('there is no such commit');
    return await archived.questions.answer({
      op: 'resolve',
      database,
      at: { bookmark: placeBookmark(timeMs, place, relation) },
    });
  };
  for (const number of [2, 17, 39]) {
    expect(await resolve(number, 'at')).toMatchObject({ ok: true, value: { bookmark: bookmark(number) } });
    expect(await resolve(number, 'after')).toMatchObject({ ok: true, value: { bookmark: bookmark(number + 1) } });
    expect(await resolve(number, 'before')).toMatchObject({ ok: true, value: { bookmark: bookmark(number - 1) } });
  }
  // Clocks may be set: the time in it only says where to look first.
  expect(await resolve(17, 'at', archived.times[1])).toMatchObject({ ok: true, value: { number: 17 } });
  expect(await resolve(40, 'after')).toMatchObject({ ok: false, code: 'unknown-bookmark' });
  expect(await resolve(1, 'before')).toMatchObject({ ok: false, code: 'gap' });

  const other = { ...archived.position, checksum2: 1 };
  const at = (timeMs: number) => ({ bookmark: placeBookmark(timeMs, other) });
  const now = await archived.questions.answer({ op: 'resolve', database, at: at(archived.times[40] ?? 0) });
  expect(now).toMatchObject({ ok: false, code: 'unknown-bookmark' });
  expect(await archived.questions.answer({ op: 'resolve', database, at: at(1000) })).toMatchObject({ code: 'too-old' });
});

test('which commit comes after a place is not known where commits were missed', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (a)'));
  const place = archived.position;
  archived.commit((db) => db.exec('INSERT INTO t VALUES (1)'));
  archived.missed((db) => db.exec('INSERT INTO t VALUES (2)'));
  const at = { bookmark: placeBookmark(archived.times[2] ?? 0, place, 'after') };
  expect(await archived.questions.answer({ op: 'resolve', database, at })).toMatchObject({ ok: false, code: 'gap' });
});

/** Puts a link to a file of somebody else in the place of one that is being made, as soon as that is there. */
const swaps = `
const { existsSync, renameSync, symlinkSync } = require('node:fs');
const [path, victim] = process.argv.slice(1);
symlinkSync(victim, path + '-link');
console.log('ready');
while (!existsSync(path));
renameSync(path + '-link', path);`;

test('whoever has the folder of a file that is made cannot lead it to another file', async () => {
  archived = new ArchivedDatabase(folder, { pageBytes: 4096 });
  archived.commit((db) =>
    db.exec(`CREATE TABLE a (data BLOB); INSERT INTO a
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT randomblob(4000) FROM n`),
  );
  const [path, victim] = [join(folder, 'then.db'), join(folder, 'victim')];
  writeFileSync(victim, 'as it was', { mode: 0o600 });
  const attacker = spawn(process.execPath, ['-e', swaps, path, victim], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(attacker.stdout, 'data');
    const swapped = once(attacker, 'exit');
    await archived.ask({ op: 'materialise', database, at: { number: 1 }, path });
    await swapped;
    expect(readFileSync(victim, 'utf8')).toBe('as it was');
    expect(statSync(victim).mode & 0o777).toBe(0o600);
  } finally {
    attacker.kill();
  }
});
