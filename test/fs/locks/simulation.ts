// A lock manager with a clock of its own and clients that ask as SQLite does, one lock after the other.

import type { LockLimits } from '../../../fs/locks/limits.ts';
import { LockManager } from '../../../fs/locks/manager.ts';
import type { LockAnswer, LockRequest, LockWorld, ProcessIdentity } from '../../../fs/locks/types.ts';
import { END_OF_FILE } from '../../../fs/protocol/lock-offsets.ts';
import type { JournalMode } from '../../../fs/sqlite/header.ts';
import {
  type LockFileKind,
  PENDING_BYTE,
  RESERVED_BYTE,
  SHARED_FIRST,
  SHARED_LAST,
  UNIX_SHM_DMS,
  WAL_CKPT_LOCK,
  WAL_READ_LOCK0,
  WAL_READ_LOCK1,
  WAL_READ_LOCK4,
  WAL_RECOVER_LOCK,
  WAL_WRITE_LOCK,
} from '../../../fs/sqlite/lock-bytes.ts';

type Bytes = readonly [shm: boolean, start: number, end: number];

/** SQLite's locks by name: which file, which bytes. */
export const bytes = {
  PENDING: [false, PENDING_BYTE, PENDING_BYTE],
  RESERVED: [false, RESERVED_BYTE, RESERVED_BYTE],
  SHARED: [false, SHARED_FIRST, SHARED_LAST],
  PENDING_AND_RESERVED: [false, PENDING_BYTE, RESERVED_BYTE],
  ALL: [false, 0, END_OF_FILE],
  WRITE: [true, WAL_WRITE_LOCK, WAL_WRITE_LOCK],
  CKPT: [true, WAL_CKPT_LOCK, WAL_CKPT_LOCK],
  RECOVER: [true, WAL_RECOVER_LOCK, WAL_RECOVER_LOCK],
  CKPT_AND_RECOVER: [true, WAL_CKPT_LOCK, WAL_RECOVER_LOCK],
  READ0: [true, WAL_READ_LOCK0, WAL_READ_LOCK0],
  READ1: [true, WAL_READ_LOCK1, WAL_READ_LOCK1],
  READ2: [true, WAL_READ_LOCK1 + 1, WAL_READ_LOCK1 + 1],
  RESET: [true, WAL_READ_LOCK1, WAL_READ_LOCK4],
  DMS: [true, UNIX_SHM_DMS, UNIX_SHM_DMS],
} as const satisfies Record<string, Bytes>;

export type LockName = keyof typeof bytes;

export class Simulation {
  nowMs = 1000;
  readonly manager: LockManager;
  readonly journals = new Map<string, JournalMode>();
  /** What a program on the data directory holds: every mirror request for these bytes fails. */
  foreign: { file: number; start: number; end: number } | undefined;
  readonly identities = new Map<number, Partial<ProcessIdentity>>();
  /** Threads that are in the middle of their work. */
  readonly running = new Set<number>();
  /** Whether locks can be stored for a successor. */
  hasRoom = true;
  /** What the mirror was asked for. */
  mirrored = 0;
  readonly answers = new Map<number, LockAnswer>();
  #nextUnique = 1;
  readonly #files = new Map<number, { kind: LockFileKind; database: string }>();
  readonly #ids = new Map<string, number>();

  /** Bytes of a write-ahead log that the archive process has not read. */
  unreadWalBytes = 0;
  /** How often the archive process was told to read at once. */
  hurries = 0;

  constructor(limits: Partial<LockLimits> = {}) {
    const world: LockWorld = {
      describeFile: (file) => {
        const known = this.#files.get(file) ?? { kind: 'other' as const, database: `file ${file}` };
        return { ...known, name: known.database };
      },
      readJournalMode: (file) => this.journals.get(this.#files.get(file)?.database ?? '') ?? 'rollback',
      identify: (pid) => ({ pid, key: `${pid}`, executable: `/program/${pid}`, ...this.identities.get(pid) }),
      walWriteBegan: () => {},
      exclusiveBegan: () => {},
      exclusiveEnded: () => {},
      mainWriteEnded: () => {},
      committed: () => {},
      unreadWalBytes: () => this.unreadWalBytes,
      readWalNow: () => {
        this.hurries++;
      },
      forgotten: () => {},
      freed: () => {},
      storeOf: () => ({ hasRoomFor: () => this.hasRoom, save: () => {}, remove: () => {} }),
      isRunning: (tid) => this.running.has(tid),
      mirror: (file, start, end, type) => {
        this.mirrored++;
        return type === 'unlock' || file !== this.foreign?.file || start > this.foreign.end || end < this.foreign.start;
      },
    };
    this.manager = new LockManager(world, limits);
  }

  file(database: string, kind: LockFileKind): number {
    const name = `${database} ${kind}`;
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#ids.size + 1;
    this.#ids.set(name, id);
    this.#files.set(id, { kind, database });
    return id;
  }

  /** A process that cannot be seen from here, with one connection. */
  hidden(handle: number): Client {
    return new Client(this, 0, 'app.db', false, handle);
  }

  /** A process with one connection to `database`. */
  client(pid: number, database = 'app.db', readOnly = false): Client {
    return new Client(this, pid, database, readOnly);
  }

  ask(request: Omit<LockRequest, 'unique'>): number {
    const unique = this.#nextUnique++;
    const answer = this.manager.setLock({ ...request, unique }, this.nowMs);
    if (answer !== 'waiting') this.answers.set(unique, answer);
    else if (this.manager.nextDeadlineMs(this.nowMs) <= this.nowMs) this.manager.expire(this.nowMs);
    this.collect();
    return unique;
  }

  collect(): void {
    for (const { unique, answer } of this.manager.takeCompletions()) this.answers.set(unique, answer);
  }

  /** Lets time pass, stopping at every deadline of the manager. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const nextMs = Math.max(this.nowMs + 0.01, this.manager.nextDeadlineMs(this.nowMs));
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      this.manager.expire(this.nowMs);
      this.collect();
    }
    this.nowMs = endMs;
    this.manager.expire(this.nowMs);
    this.collect();
  }
}

/** `locked` stands for "granted", `busy` for any refusal. */
export type Outcome = 'locked' | 'busy' | 'waiting' | 'interrupted' | 'deadlock' | 'no-room';

export class Client {
  readonly simulation: Simulation;
  readonly pid: number;
  readonly database: string;
  readonly owner: bigint;
  readonly handle: number;
  tid: number;
  #last = 0;

  constructor(simulation: Simulation, pid: number, database: string, readOnly: boolean, handle = pid) {
    this.simulation = simulation;
    this.pid = pid;
    this.tid = pid;
    this.database = database;
    this.owner = BigInt(pid || handle) * 1000n;
    this.handle = handle;
    simulation.manager.open(simulation.file(database, 'database'), handle, pid, readOnly);
  }

  /** A lock request that may wait: see {@link outcome} for what became of it. */
  lock(name: LockName, type: 'read' | 'write' | 'unlock', wait = false): Outcome {
    const [shm, start, end] = bytes[name];
    const file = this.simulation.file(this.database, shm ? 'shm' : 'database');
    const { pid, tid, owner, handle } = this;
    this.#last = this.simulation.ask({ file, handle, owner, start, end, type, pid, tid, wait, flock: false });
    return this.outcome;
  }

  get outcome(): Outcome {
    const answer = this.simulation.answers.get(this.#last);
    if (answer === undefined) return 'waiting';
    if (answer === 'granted') return 'locked';
    return answer === 'refused' ? 'busy' : answer;
  }

  unlock(name: LockName): void {
    this.lock(name, 'unlock');
  }

  interrupt(): void {
    this.simulation.manager.interrupt(this.#last, this.simulation.nowMs);
    this.simulation.collect();
  }

  close(): void {
    const { manager, nowMs } = this.simulation;
    for (const kind of ['shm', 'database'] as const) {
      const file = this.simulation.file(this.database, kind);
      manager.flush(file, this.handle, this.owner, nowMs);
      manager.release(file, this.handle, nowMs);
    }
    this.simulation.collect();
  }

  /** Rollback journal: PENDING, SHARED, PENDING back. Stops at the lock that is not granted at once. */
  beginRead(): Outcome {
    const pending = this.lock('PENDING', 'read');
    return pending === 'locked' ? this.finishRead() : pending;
  }

  finishRead(): Outcome {
    const shared = this.lock('SHARED', 'read');
    this.unlock('PENDING');
    return shared;
  }

  endRead(): void {
    this.unlock('ALL');
  }

  /** From RESERVED to the end of the transaction. */
  commit(): Outcome {
    for (const name of ['PENDING', 'SHARED'] as const) {
      const outcome = this.lock(name, 'write');
      if (outcome !== 'locked') return outcome;
    }
    return this.finishCommit();
  }

  finishCommit(): Outcome {
    const outcome = this.lock('SHARED', 'read');
    this.unlock('PENDING_AND_RESERVED');
    this.unlock('ALL');
    return outcome;
  }

  /** Rollback journal: to the first write. */
  beginWrite(): Outcome {
    const read = this.beginRead();
    return read === 'locked' ? this.lock('RESERVED', 'write') : read;
  }

  /** A whole write transaction in rollback mode, when nobody is in the way. */
  write(): Outcome {
    const begun = this.beginWrite();
    return begun === 'locked' ? this.commit() : begun;
  }

  connectWal(): void {
    this.lock('DMS', 'read');
    this.lock('SHARED', 'read');
  }

  /** WAL: to the first write. */
  beginWalWrite(): Outcome {
    const read = this.lock('READ1', 'read');
    return read === 'locked' ? this.lock('WRITE', 'write') : read;
  }

  walWrite(): Outcome {
    const begun = this.beginWalWrite();
    if (begun === 'locked') this.endWalWrite();
    return begun;
  }

  endWalWrite(): void {
    this.unlock('WRITE');
    this.unlock('READ1');
  }
}

/** Three clients of a WAL database, which is what most tests need. */
export function threeWalClients(): { world: Simulation; a: Client; b: Client; c: Client } {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const [a, b, c] = [world.client(1), world.client(2), world.client(3)];
  for (const client of [a, b, c]) client.connectWal();
  return { world, a, b, c };
}
