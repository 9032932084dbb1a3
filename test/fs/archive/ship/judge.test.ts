// The outside judge: Litestream's own reader opens what was exported, and sees at each moment what our own history has.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { compress } from '../../../../fs/archive/log/compress.ts';
import { listLog } from '../../../../fs/archive/log/log-files.ts';
import { DatabaseShip } from '../../../../fs/archive/ship/database-ship.ts';
import { exportCommits } from '../../../../fs/archive/ship/export.ts';
import { openStore } from '../../../../fs/archive/ship/open-store.ts';
import { Packer } from '../../../../fs/archive/ship/pack.ts';
import { wholeFrom } from '../../../helpers/seeded-random.ts';
import { ArchivedDatabase } from '../archived-database.ts';
import { extension, judge, python } from './judge.ts';

vi.setConfig({ testTimeout: 120_000 });

const moments = process.env.HOODY_SQLITE_SOAK ? 100 : 20;

interface Verdict {
  readonly whole: string;
  readonly content: string;
  readonly rows: number;
}

let folder: string;
let archived: ArchivedDatabase;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ship-judge-'));
});
afterEach(() => {
  archived.close();
  rmSync(folder, { recursive: true });
});

/** A child of its own: once the reader is loaded, nothing else can be opened in its process. */
function judged(lines: readonly string[], replica?: string): Verdict[] {
  const { stdout, stderr, status } = spawnSync(python ?? '', [judge, ...(replica === undefined ? [] : [extension])], {
    input: lines.join('\n'),
    encoding: 'utf8',
    env: { ...process.env, AWS_EC2_METADATA_DISABLED: 'true', LITESTREAM_REPLICA_URL: replica },
    maxBuffer: 1 << 28,
  });
  expect(status, stderr).toBe(0);
  const verdicts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdict);
  expect(verdicts).toHaveLength(lines.length);
  return verdicts;
}

function work(random: (below: number) => number): (db: Database.Database) => void {
  return (db) => {
    const rows = 1 + random(60);
    switch (random(9)) {
      case 0:
        db.exec('DELETE FROM t WHERE id % 3 = 0');
        break;
      case 1:
        db.exec('DELETE FROM t WHERE id > 20; VACUUM');
        break;
      case 2:
        db.exec(
          'CREATE TABLE IF NOT EXISTS other (k PRIMARY KEY, v); INSERT OR REPLACE INTO other VALUES (1, random())',
        );
        break;
      case 3:
        db.exec('DROP TABLE IF EXISTS other');
        break;
      default: {
        const insert = db.prepare('INSERT INTO t (name) VALUES (?)');
        db.transaction(() => {
          for (let row = 0; row < rows; row++) insert.run('x'.repeat(random(2_000)));
        })();
        db.prepare('UPDATE t SET name = ? WHERE id = ?').run(`changed ${random(1000)}`, random(100));
      }
    }
  };
}

/** What our own history has at these commits, and what the reader sees there. */
async function compare(numbers: readonly number[]): Promise<void> {
  const paths: string[] = [];
  for (const [index, number] of numbers.entries()) {
    const path = join(folder, `then-${index}.db`);
    await archived.ask({ op: 'materialise', database: 'app.db', at: { number }, path });
    paths.push(path);
  }
  // Litestream takes what is strictly before a time.
  const times = numbers.map((number) => new Date((archived.times[number] ?? 0) + 1).toISOString());
  const expected = judged(paths);
  expect(expected.map(({ whole }) => whole)).toEqual(numbers.map(() => 'ok'));
  expect(judged(times, `file://${join(folder, 'store', 'app.db')}`)).toEqual(expected);
}

test.skipIf(python === undefined).each(['none', 'full'])(
  'an export of a database with auto_vacuum %s',
  async (autoVacuum) => {
    const random = wholeFrom(autoVacuum.length);
    archived = new ArchivedDatabase(folder, { autoVacuum, segmentBytes: 256 * 1024 });
    archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
    for (let count = 0; count < 80; count++) archived.commit(work(random));
    await compress(archived.folder, listLog(archived.folder).raw[0] ?? 0);
    const workDir = join(folder, 'work');
    mkdirSync(workDir);
    const exported = await exportCommits({
      archiveDir: join(folder, 'archive'),
      database: 'app.db',
      store: openStore(join(folder, 'store')),
      workDir,
      onProgress: () => {},
    });
    expect(exported.commits).toBe(81);
    await compare(Array.from({ length: moments }, () => 1 + random(81)));
  },
);

test.skipIf(python === undefined)('what is shipped as it comes, and merged', async () => {
  const random = wholeFrom(5);
  archived = new ArchivedDatabase(folder);
  mkdirSync(join(folder, 'work'));
  const store = openStore(join(folder, 'store'));
  const newShip = () =>
    new DatabaseShip({
      name: 'app.db',
      store,
      packer: new Packer(join(folder, 'work')),
      keepMs: 3_600_000,
      now: () => archived.times.at(-1) ?? 0,
      wrote: () => {},
    });
  let ship = newShip();
  const shipped: number[] = [];
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
  for (let number = 2; number <= 120; number++) {
    archived.commit((db) => {
      db.prepare('INSERT INTO t (name) VALUES (?)').run('x'.repeat(random(2_000)));
      if (random(6) === 0) db.exec('DELETE FROM t WHERE id % 3 = 0; VACUUM');
    });
    if (random(3) > 0) continue;
    if (random(10) === 0) ship = newShip();
    await ship.ship(archived.folder);
    shipped.push(number);
  }
  await compare(Array.from({ length: moments }, () => shipped[random(shipped.length)] ?? 0));
});
