// Random lock operations against the manager and against a naive model that keeps one cell per byte. Now and then the
// manager dies between its table and its mirror, and another one goes on with what was stored.
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { LockManager } from '../../../fs/locks/manager.ts';
import type { HeldRange } from '../../../fs/locks/ranges.ts';
import type { OwnerLocks } from '../../../fs/locks/table.ts';
import type { LockAnswer, LockRequest, LockWorld } from '../../../fs/locks/types.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';

const BYTES = 12;
const OWNERS = 5;
const OPERATIONS = 40;
const SEEDS = 1000;

/** mulberry32: small, good enough, and the same on every machine. */
type Cell = 'read' | 'write' | undefined;

class NaiveModel {
  readonly cells: Cell[][] = Array.from({ length: OWNERS }, () => new Array<Cell>(BYTES).fill(undefined));

  isFree(owner: number, start: number, end: number, type: 'read' | 'write'): boolean {
    for (let other = 0; other < OWNERS; other++) {
      for (let at = start; other !== owner && at <= end; at++) {
        const held = this.cells[other]?.[at];
        if (held === 'write' || (held === 'read' && type === 'write')) return false;
      }
    }
    return true;
  }

  set(owner: number, start: number, end: number, cell: Cell): void {
    this.cells[owner]?.fill(cell, start, end + 1);
  }

  /** What the mirror must hold: the strongest lock on each byte. */
  union(): Cell[] {
    return Array.from({ length: BYTES }, (_, at) => {
      const held = this.cells.map((owner) => owner[at]);
      return held.includes('write') ? 'write' : held.includes('read') ? 'read' : undefined;
    });
  }
}

class Death extends Error {}

function run(seed: number): void {
  const random = wholeFrom(seed);
  const model = new NaiveModel();
  const mirror: Cell[] = new Array<Cell>(BYTES).fill(undefined);
  const stored = new Map<bigint, OwnerLocks>();
  /** Where the process is to die next. */
  let dying: 'mirror' | 'store' | undefined;
  /** The unlock that is served was answered: nobody asks for it again. */
  let isFreed = false;
  const world: LockWorld = {
    describeFile: () => ({ kind: 'other', database: 'file', name: 'file' }),
    readJournalMode: () => 'rollback',
    identify: (pid) => ({ pid, key: `${pid}`, executable: 'test' }),
    walWriteBegan: () => {},
    exclusiveBegan: () => {},
    exclusiveEnded: () => {},
    mainWriteEnded: () => {},
    committed: () => {},
    unreadWalBytes: () => 0,
    readWalNow: () => {},
    forgotten: () => {},
    freed: () => {
      isFreed = true;
    },
    storeOf: () => ({
      hasRoomFor: () => true,
      save: (held) => {
        if (dying === 'store') throw new Death();
        stored.set(held.owner, { ...held, slots: [] });
      },
      remove: ({ owner }) => {
        if (dying === 'store') throw new Death();
        stored.delete(owner);
      },
    }),
    isRunning: () => false,
    mirror: (_file, start, end, type) => {
      if (dying === 'mirror') throw new Death();
      mirror.fill(type === 'unlock' ? undefined : type, start, Math.min(end, BYTES - 1) + 1);
      return true;
    },
  };
  let manager = new LockManager(world);
  const waiting = new Map<number, LockRequest & { readonly type: 'read' | 'write' }>();

  /** Nothing that was asked is lost: the kernel asks again for what was not answered, first what came first. */
  const survive = <Result>(ask: () => Result, noteStored: () => void, nowMs: number, ifFreed?: Result): Result => {
    isFreed = false;
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
    dying = undefined;
    const wasFreed = isFreed;
    noteStored();
    manager = new LockManager(world);
    for (const held of [...stored.values()]) manager.restore(1, false, { ...held }, nowMs);
    manager.freeUnheld(1);
    for (const request of waiting.values()) {
      const answer = manager.setLock(request, nowMs);
      if (answer !== 'waiting') answered(request.unique, answer);
    }
    return wasFreed && ifFreed !== undefined ? ifFreed : ask();
  };

  const answered = (unique: number, answer: LockAnswer) => {
    const asked = waiting.get(unique);
    waiting.delete(unique);
    if (answer !== 'granted' || !asked) return;
    const { owner, start, end, type } = asked;
    assert(model.isFree(Number(owner), start, end, type), `granted after a wait: ${unique}`);
    model.set(Number(owner), start, end, type);
  };

  for (let step = 0; step < OPERATIONS; step++) {
    const owner = random(OWNERS);
    const start = random(BYTES);
    const end = start + random(BYTES - start);
    const kind = random(10);
    const nowMs = step;
    dying = random(8) > 0 ? undefined : random(2) === 0 ? 'mirror' : 'store';
    if (kind === 0) {
      const free = () => model.set(owner, 0, BYTES - 1, undefined);
      survive(() => manager.flush(1, owner + 1, BigInt(owner), nowMs), free, nowMs);
      free();
    } else if (kind === 1) {
      const first = waiting.keys().next();
      if (!first.done)
        survive(
          () => manager.interrupt(first.value, nowMs),
          () => {},
          nowMs,
        );
    } else {
      const type = kind < 5 ? 'read' : kind < 8 ? 'write' : 'unlock';
      const wait = type !== 'unlock' && random(2) === 0;
      const request = {
        unique: step + 1,
        file: 1,
        handle: owner + 1,
        owner: BigInt(owner),
        start,
        end,
        type,
        pid: owner + 1,
        tid: owner + 1,
        wait,
        flock: false,
      } as const;
      const noteStored = () => {
        const isStored = ({ type: held, start: from, end: to }: HeldRange) =>
          held === type && from <= start && to >= end;
        if (type === 'unlock') model.set(owner, start, end, undefined);
        else if (stored.get(BigInt(owner))?.ranges.some(isStored)) model.set(owner, start, end, type);
      };
      const ifFreed = type === 'unlock' ? 'granted' : undefined;
      const answer = survive(() => manager.setLock(request, nowMs), noteStored, nowMs, ifFreed);
      if (type === 'unlock') model.set(owner, start, end, undefined);
      else if (answer === 'granted') {
        assert(model.isFree(owner, start, end, type), `granted at step ${step}`);
        model.set(owner, start, end, type);
      } else {
        assert(!model.isFree(owner, start, end, type), `${answer} at step ${step}`);
        assert.equal(answer === 'refused', !wait);
        if (answer === 'waiting') waiting.set(request.unique, { ...request, type });
      }
    }
    dying = undefined;
    for (const { unique, answer } of manager.takeCompletions()) answered(unique, answer);
    // Nobody waits for a free lock, and the mirror is the union of what is held.
    for (const asked of waiting.values()) {
      assert(!model.isFree(Number(asked.owner), asked.start, asked.end, asked.type), `overlooked at step ${step}`);
    }
    assert.equal(mirror.join(), model.union().join(), `mirror at step ${step}`);
  }
  for (const unique of waiting.keys()) manager.interrupt(unique, 1000);
  for (let owner = 0; owner < OWNERS; owner++) {
    manager.flush(1, owner + 1, BigInt(owner), 1000);
    manager.release(1, owner + 1, 1000);
  }
  assert.deepEqual(manager.size, { files: 0, owners: 0, waiting: 0 });
}

test(`${SEEDS} random histories agree with a model of one cell per byte, and leave nothing behind`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}, 60_000);
