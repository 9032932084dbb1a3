// A database in a temp folder, programs that work on it, and a tail that follows it, for tests.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CommitRecord } from '../../../fs/archive/tail/evidence.ts';
import type { TailSurroundings } from '../../../fs/archive/tail/surroundings.ts';
import { Tail } from '../../../fs/archive/tail/tail.ts';
import { eventually } from '../../helpers/eventually.ts';
import { MemoryStore } from './memory-log.ts';
import { Driver, type DriverAnswer } from './sqlite-driver.ts';

export class Followed {
  readonly folder = mkdtempSync(join(tmpdir(), 'tail-'));
  readonly path = join(this.folder, 'app.db');
  readonly store = new MemoryStore(join(this.folder, 'logs'));
  readonly events: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly published: { readonly frames: number; readonly isArchived: boolean }[] = [];
  readonly room: boolean[] = [];
  readonly drivers: Driver[] = [];
  /** Hash of each state that was committed, by its number. */
  readonly hashes = new Map<number, string>();
  /** Records of the mount, if there is one. */
  records: CommitRecord[] | undefined;
  tail: Tail | undefined;

  driver(): Driver {
    const driver = new Driver();
    this.drivers.push(driver);
    return driver;
  }

  /** A database with the tables moment and item. */
  async create(pragmas: readonly string[] = []): Promise<Driver> {
    const driver = this.driver();
    const tables = [
      'create table moment (n)',
      'insert into moment values (0)',
      'create table item (id integer primary key, body)',
    ];
    await driver.do({ open: this.path, sql: [...pragmas, 'pragma journal_mode=wal', ...tables] });
    return driver;
  }

  async open(): Promise<Driver> {
    const driver = this.driver();
    await driver.do({ open: this.path });
    return driver;
  }

  async transact(driver: Driver, ...statements: string[]): Promise<DriverAnswer> {
    const answer = await driver.do({ transact: statements });
    this.hashes.set(answer.n ?? -1, answer.hash ?? '');
    return answer;
  }

  /** Begins to follow the database, as a new archive process does. */
  follow(): Tail {
    this.tail?.close();
    const { ino, dev } = statSync(this.path);
    const id = { inode: `${ino}`, device: `${dev}`, name: 'app.db' };
    const surroundings: TailSurroundings = {
      store: this.store,
      log: (_level, event, fields) => this.events.push({ event, fields }),
      isRecording: () => this.records !== undefined,
      capture: undefined,
      readRecords: () => this.handRecords(),
      publish: (_id, { frames }, isArchived) => this.published.push({ frames, isArchived }),
      wake: () => {},
      hasRoom: (_id, hasRoom) => this.room.push(hasRoom),
    };
    this.tail = new Tail(id, this.path, this.store.open(id).log, surroundings);
    return this.tail;
  }

  /** Until everything is in the log, and the base is made. */
  async settle(): Promise<void> {
    const tail = this.tail ?? this.follow();
    await eventually(
      () => {
        this.handRecords();
        const progress = tail.poll();
        expect({ ...progress, ...tail.status }).toMatchObject({ isDrained: true, state: 'current' });
      },
      { intervalMs: 1, timeoutMs: 60_000 },
    );
  }

  handRecords(): void {
    for (const record of this.records?.splice(0) ?? []) this.tail?.reading.evidence.add(record);
  }

  /** One poll after the other for as long as there is something to do at once. */
  pollAll(): void {
    const tail = this.tail ?? this.follow();
    this.handRecords();
    while (tail.poll().hasMore);
  }

  /** Every state that the log gives is one that was committed. @returns their numbers, once it is set up */
  async judge(log = this.store.only): Promise<number[]> {
    const judge = this.driver();
    const numbers: number[] = [];
    const path = join(this.folder, 'state.db');
    for (let number = log.validFrom; number <= log.commits.length; number++) {
      writeFileSync(path, log.stateAt(number));
      const answer = await judge.do({ open: `file:${path}?immutable=1`, judge: true, close: true });
      expect({ number, ...answer }).toMatchObject({ integrity: 'ok' });
      if (this.hashes.has(answer.n ?? -1))
        expect({ number, ...answer }).toMatchObject({ hash: this.hashes.get(answer.n ?? -1) });
      if (answer.n !== undefined) numbers.push(answer.n);
    }
    return numbers;
  }

  async end(): Promise<void> {
    this.tail?.close();
    await Promise.all(this.drivers.map((driver) => driver.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
