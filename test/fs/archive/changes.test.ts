// A copy elsewhere that is kept up with nothing but the pages that were changed since it was brought up last.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { foldUpTo, settleBase } from '../../../fs/archive/log/base.ts';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog } from '../../../fs/archive/log/log-files.ts';
import { changesSince } from '../../../fs/archive/past/changes.ts';
import { ArchivedDatabase, someWork } from './archived-database.ts';
import { randomFrom } from './logged-model.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let archived: ArchivedDatabase;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-changes-'));
});
afterEach(() => {
  archived.close();
  rmSync(folder, { recursive: true, force: true });
});

class Copy {
  number = 0;
  bytes = Buffer.alloc(0);

  /** @returns how many pages it took; undefined: there was nothing new */
  bringUp(upTo?: number): number | undefined {
    const changes = changesSince(archived.folder, this.number, upTo);
    if (changes === undefined) return undefined;
    const { moment, pageNumbers } = changes;
    const after = Buffer.alloc(moment.databasePages * moment.pageBytes);
    this.bytes.copy(after);
    for (const page of pageNumbers) changes.readPage(page, after, (page - 1) * moment.pageBytes);
    changes.checkStillThere();
    changes.close();
    this.bytes = after;
    this.number = moment.number;
    return pageNumbers.length;
  }
}

async function compressFull(): Promise<void> {
  for (const first of listLog(archived.folder).raw.slice(0, -1)) await compress(archived.folder, first);
}

test.each([512, 4096])(
  'pages of %d bytes: the copy is the database, whatever was done meanwhile',
  async (pageBytes) => {
    const random = randomFrom(pageBytes);
    archived = new ArchivedDatabase(folder, { pageBytes, autoVacuum: 'incremental', segmentBytes: 128 * 1024 });
    const copy = new Copy();
    const work = someWork(random);
    for (let round = 0; round < 60; round++) {
      archived.commit(work);
      if (random(4) > 0) continue;
      if (random(3) === 0) await compressFull();
      expect(copy.bringUp()).toBeDefined();
      expect(copy.bytes.equals(readFileSync(archived.file)), `round ${round}`).toBe(true);
      expect(copy.bringUp()).toBeUndefined();
    }
    expect(listLog(archived.folder).closed.length).toBeGreaterThan(0);
  },
);

test('it goes no further than it is asked to, and takes only what was written', () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a)'));
  archived.commit((db) => db.exec('INSERT INTO t VALUES (1, 1)'));
  const copy = new Copy();
  copy.bringUp();
  const states = [readFileSync(archived.file)];
  for (let value = 0; value < 3; value++) {
    archived.commit((db) => db.exec(`UPDATE t SET a = ${value + 2}`));
    states.push(readFileSync(archived.file));
  }
  // Page 1 and the page of the row.
  expect(copy.bringUp(4)).toBe(2);
  expect(copy.bytes.equals(states[2] ?? Buffer.alloc(0))).toBe(true);
  expect(copy.bringUp()).toBe(2);
  expect(copy.bytes.equals(states[3] ?? Buffer.alloc(0))).toBe(true);
});

test('a copy that is older than what is kept is told so, and takes everything', async () => {
  archived = new ArchivedDatabase(folder, { segmentBytes: 16 * 1024 });
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a)'));
  const copy = new Copy();
  copy.bringUp();
  for (let row = 0; row < 40; row++) archived.commit((db) => db.prepare('INSERT INTO t (a) VALUES (?)').run(row));
  await compressFull();
  await settleBase(archived.folder);
  await foldUpTo(archived.folder, listLog(archived.folder).closed[0]?.last ?? 0);
  expect(() => copy.bringUp()).toThrow(expect.objectContaining({ code: 'too-old' }));
  copy.number = 0;
  copy.bringUp();
  expect(copy.bytes.equals(readFileSync(archived.file))).toBe(true);
});
