// Random work of three programs on one database, with what goes wrong in between: the log gives back each state that
// was committed, and names the right writer or none.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { randomFrom } from '../../helpers/seeded-random.ts';
import { Followed } from './followed.ts';
import { RecordedMount } from './recorded-mount.ts';
import type { Driver } from './sqlite-driver.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let db: Followed;
let mount: RecordedMount;
let random: () => number;
/** Who has committed each state. */
let writers: Map<number, number>;

beforeEach(() => {
  db = new Followed();
  mount = new RecordedMount(db.path);
  writers = new Map();
});
afterEach(async () => {
  mount.close();
  await db.end();
});

/** mulberry32: the same numbers for the same seed. */
const below = (limit: number) => Math.floor(random() * limit);
const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;

function randomStatements(): string[] {
  const body = () => 'x'.repeat(below(below(4) === 0 ? 6000 : 200));
  const statements: readonly (() => string)[] = [
    () => `insert into item (body) values ('${body()}')`,
    () => `insert into item (body) values (zeroblob(${below(9000)}))`,
    () => `update item set body = '${body()}' where id % ${1 + below(5)} = 0`,
    () => `delete from item where id % ${2 + below(4)} = 0`,
    () => `create table if not exists t${below(5)} (a, b)`,
    () => `drop table if exists t${below(5)}`,
    () => `create index if not exists i${below(3)} on item (body)`,
    () => `drop index if exists i${below(3)}`,
    () => 'pragma incremental_vacuum(3)',
  ];
  return Array.from({ length: 1 + below(4) }, () => pick(statements)());
}

class Programs {
  readonly drivers: Driver[] = [];
  readonly #isRecorded: boolean;

  constructor(isRecorded: boolean) {
    this.#isRecorded = isRecorded;
    if (isRecorded) db.records = [];
  }

  #ended(driver: Driver): void {
    const record = this.#isRecorded ? mount.ended(driver) : undefined;
    if (record !== undefined) db.records?.push(record);
  }

  async create(pragmas: string[]): Promise<void> {
    this.drivers.push(await db.create([...pragmas, 'pragma synchronous=off']));
    for (let count = 0; count < 2; count++) this.drivers.push(await db.open());
    this.#ended(this.drivers[0] as Driver);
  }

  async step(): Promise<void> {
    const driver = pick(this.drivers);
    const kind = below(100);
    mount.began();
    if (kind < 60) {
      const { n = -1 } = await db.transact(driver, ...randomStatements());
      writers.set(n, driver.pid);
    } else if (kind < 68) await driver.do({ transact: ['pragma cache_size=5', ...randomStatements()], rollback: true });
    else if (kind < 78)
      await driver.do({ sql: [`pragma wal_checkpoint(${pick(['passive', 'full', 'restart', 'truncate'])})`] });
    else if (kind < 82) await driver.try({ sql: ['vacuum'] });
    else if (kind < 90) {
      await driver.do({ close: true });
      if (below(2) === 0) for (const other of this.drivers) await other.do({ close: true });
      this.#ended(driver);
      if (below(2) === 0) await db.settle();
      for (const other of this.drivers) await other.do({ open: db.path });
    } else if (kind < 95) {
      await driver.do({ sql: ['pragma cache_size=3', 'begin immediate', ...randomStatements()] });
      await driver.kill();
      this.drivers[this.drivers.indexOf(driver)] = await db.open();
    } else await driver.do({ sql: [`pragma wal_autocheckpoint=${pick([1, 10, 1000])}`] });
    this.#ended(driver);
  }
}

function checkWriters(numbers: readonly number[]): void {
  const { commits } = db.store.only;
  const seen = new Set<number>();
  numbers.forEach((n, index) => {
    const { writer, kind } = commits[commits.length - numbers.length + index] ?? {};
    // A later commit of the same state is VACUUM's, by whomever.
    if (writer && kind === 'commit' && !seen.has(n) && writers.has(n))
      expect({ n, pid: writer.pid }).toEqual({ n, pid: writers.get(n) });
    seen.add(n);
  });
}

const settings = [
  'pragma page_size=512',
  'pragma page_size=4096',
  'pragma auto_vacuum=incremental',
  'pragma auto_vacuum=full',
];

describe.each([1, 2, 3, 4])('seed %i', (seed) => {
  test('read at once: every state, no gap, and on a mount every writer', async () => {
    random = randomFrom(seed);
    const isRecorded = seed % 2 === 0;
    const programs = new Programs(isRecorded);
    await programs.create([pick(settings)]);
    await db.settle();
    const first = db.store.only.validFrom;
    const setUp = db.store.only.commits.length;
    for (let count = 0; count < 60; count++) {
      await programs.step();
      await db.settle();
    }
    const numbers = await db.judge();
    expect(first).toBe(db.store.only.validFrom);
    expect([...new Set(numbers)]).toEqual([0, ...[...db.hashes.keys()]]);
    expect(db.store.only.commits.map(({ kind }) => kind)).not.toContain('resync');
    checkWriters(numbers);
    if (isRecorded) {
      const unknown = db.store.only.commits.slice(setUp).filter(({ writer }) => writer === null);
      expect(unknown).toEqual([]);
    }
  });

  test('read now and then, by archive processes that are killed: gaps, and never a wrong state or writer', async () => {
    random = randomFrom(seed + 100);
    const programs = new Programs(seed % 2 === 0);
    await programs.create([pick(settings)]);
    await db.settle();
    for (let count = 0; count < 80; count++) {
      await programs.step();
      const kind = below(6);
      if (kind === 0) await db.settle();
      else if (kind === 1) db.pollAll();
      else if (kind === 2 && below(3) === 0) db.follow();
    }
    await db.settle();
    for (const log of [...db.store.logs.values()].flat()) if (log.hasBase) await db.judge(log);
    const numbers = await db.judge();
    expect(numbers.at(-1)).toBe([...db.hashes.keys()].at(-1));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    checkWriters(numbers);
  });
});
