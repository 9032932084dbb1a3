// What a transaction of an open connection costs in requests of the kernel: the time that a lock takes is round trips
// first of all. Exact numbers, of the SQLite of better-sqlite3, and no clock.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

/**
 * The kernel asks for names and attributes again when it has known them for a second: of many transactions the one
 * counts that asked least. RELEASE and FORGET come when nobody waits for them.
 */
const transactions = 12;
const unawaited = ['RELEASE', 'FORGET', 'BATCH_FORGET'];

const insert = 'insert into t values (1)';
const read = 'select count(*) from t';

const locks = { SETLK: 9 };
const costs: readonly (readonly [mode: string, statement: string, Record<string, number>])[] = [
  ['wal', insert, { SETLK: 6, FSYNC: 1 }],
  ['wal', read, { SETLK: 2 }],
  // GETATTR: of the directory, which CREATE and UNLINK have changed, and of the file, which was read.
  [
    'delete',
    insert,
    { ...locks, LOOKUP: 1, CREATE: 1, SETATTR: 1, FSYNC: 3, FSYNCDIR: 1, FLUSH: 1, UNLINK: 1, GETATTR: 4 },
  ],
  ['truncate', insert, { ...locks, OPEN: 1, SETATTR: 2, FSYNC: 4, FSYNCDIR: 1, FLUSH: 1, GETATTR: 2 }],
  // It looks whether the journal that is left belongs to somebody who writes.
  ['persist', insert, { ...locks, GETLK: 1, OPEN: 2, SETATTR: 2, FSYNC: 4, FSYNCDIR: 1, FLUSH: 2, GETATTR: 6 }],
  ['delete', read, { SETLK: 4, GETATTR: 1 }],
];

let mount: TempMount;
beforeAll(async () => {
  mount = await tempMount({ passthrough: 'on' });
});
afterAll(() => mount?.close());

test.each(costs)('journal mode %s: %s', async (mode, statement, expected) => {
  const database = new Database(`${mount.mountPoint}/${mode}-${statement === read ? 'read' : 'write'}.db`);
  try {
    database.pragma(`journal_mode = ${mode}`);
    database.pragma('synchronous = full');
    database.exec('create table t (x)');
    const prepared = database.prepare(statement);
    const once = () => (statement === read ? prepared.get() : prepared.run());
    once();
    const counts: Record<string, number>[] = [];
    for (let round = 0; round < transactions; round++) {
      const before = (await mount.status()).requests;
      once();
      counts.push(difference(before, (await mount.status()).requests));
    }
    expect(least(counts)).toEqual(expected);
  } finally {
    database.close();
  }
});

test('a large directory is read with the attributes of its files each time they are asked for', async () => {
  mkdirSync(join(mount.dataDir, 'large'));
  for (let file = 0; file < 1500; file++) writeFileSync(join(mount.dataDir, 'large', `${file}.db`), '');
  const list = async () => {
    const before = (await mount.status()).requests;
    expect((await run('ls', ['-l', join(mount.mountPoint, 'large')])).stdout.split('\n')).toHaveLength(1502);
    return difference(before, (await mount.status()).requests);
  };
  expect((await list()).READDIRPLUS).toBeGreaterThan(10);
  await eventually(async () => expect((await list()).READDIRPLUS).toBeGreaterThan(10));
});

function difference(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const asked = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(asked.filter(([name, count]) => count > 0 && !unawaited.includes(name)));
}

/** Of each operation the smallest number; 0 is left out. */
function least(counts: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(counts.flatMap((count) => Object.keys(count)));
  const smallest = [...names].map((name) => [name, Math.min(...counts.map((count) => count[name] ?? 0))] as const);
  return Object.fromEntries(smallest.filter(([, count]) => count > 0));
}
