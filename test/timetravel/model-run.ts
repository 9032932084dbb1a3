// Random steps for the real store and the model, and the comparison of the two.
import fc from 'fast-check';
import { expect } from 'vitest';
import { kvIncrement, kvPop, kvPush } from '../../server/kv/atomic.ts';
import { kvBatchDelete, kvBatchSet } from '../../server/kv/batch.ts';
import { kvChanges } from '../../server/kv/changes.ts';
import { kvGetAt, kvHistory, kvRollback, kvSnapshot } from '../../server/kv/history.ts';
import { kvRetain, type Progress } from '../../server/kv/retention.ts';
import { kvExpire, kvList } from '../../server/kv/store.ts';
import { kvDiff } from '../../server/kv/table-diff.ts';
import { kvTableRollback, kvTableRollbackPreview } from '../../server/kv/table-rollback.ts';
import { kvTableSnapshot } from '../../server/kv/table-snapshot.ts';
import { TestStore } from '../helpers/kv-store.ts';
import { isSame, Model, Refused, type State } from './model.ts';

const table = 'kv_store';
const keys = ['a', 'b', 'c/d', 'ü'];
const json = 'application/json';
const octets = 'application/octet-stream';
const text = 'text/plain';

const key = fc.constantFrom(...keys);
const value = fc.constantFrom('1', '2', '[1]', '{"x":1}', 'words');
const recorded = fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });

export const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key,
      value,
      ttl: fc.constantFrom(0, 0, 0, 3, 9),
      recorded,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key, recorded }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('incr' as const), key, recorded }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('push' as const), key, recorded }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pop' as const), key, recorded }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('expire' as const), key, ttl: fc.constantFrom(null, 2, 8), recorded }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('batch' as const), value, recorded }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('native' as const),
      key,
      other: key,
      value,
      how: fc.constantFrom('update', 'replace', 'ignore', 'upsert', 'delete', 'rename', 'ttl', 'abandoned'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('rollback' as const), key, steps: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('return' as const), ago: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('prune' as const),
      age: fc.constantFrom(0, 5, 15),
      ops: fc.constantFrom(0, 2, 5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('long-wait' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      ago: fc.integer({ min: 0, max: 20 }),
      span: fc.integer({ min: 1, max: 9 }),
    }),
  },
);

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does the steps to both and compares after each. @throws the first difference */
export function runSteps(steps: readonly Step[]): void {
  const run = new Run();
  try {
    for (const one of steps) run.step(one);
    run.look(0, 1000);
  } finally {
    run.store.close();
  }
}

class Run {
  readonly store = new TestStore();
  readonly model = new Model(this.store.now);
  readonly #start = this.store.now;
  #cursor = '0-0-0-0';
  #seenChanges = 0;
  /** By settings: a server never changes its own. */
  readonly #progress = new Map<string, Progress>();

  constructor() {
    this.store.set('first', '1');
    this.model.write('first', 'SET', 'set', { value: '1', type: json, expireAt: null });
    this.#compareFeed('in order');
  }

  step(one: Step): void {
    const { store, model } = this;
    switch (one.do) {
      case 'set': {
        store.set(one.key, one.value, { ttlSeconds: one.ttl, history: one.recorded });
        model.endOver(one.key);
        const type = one.value === 'words' ? octets : json;
        const expireAt = one.ttl === 0 ? null : model.now + one.ttl;
        model.write(one.key, 'SET', 'set', { value: one.value, type, expireAt }, one.recorded);
        break;
      }
      case 'delete':
        this.#edit(
          one.key,
          one.recorded,
          'DELETE',
          () => store.delete(one.key, one.recorded),
          (now) => {
            if (now === null) throw new Refused('KEY_NOT_FOUND');
            return null;
          },
        );
        break;
      case 'incr':
        this.#edit(
          one.key,
          one.recorded,
          'INCR',
          () => store.run(kvIncrement, this.#args(one, { op: 'INCR' as const, delta: 3n })),
          (now) => {
            if (now === null) return { value: '3', type: text, expireAt: null };
            if (!/^-?\d+$/.test(now.value)) throw new Refused('INVALID_PARAMETERS');
            return { ...now, value: String(Number(now.value) + 3) };
          },
        );
        break;
      case 'push':
        this.#edit(
          one.key,
          one.recorded,
          'PUSH',
          () => store.run(kvPush, this.#args(one, { body: Buffer.from('7'), isRaw: false })),
          (now) => this.#editList(now ?? { value: '[]', type: json, expireAt: null }, (list) => list.push(7)),
        );
        break;
      case 'pop':
        this.#edit(
          one.key,
          one.recorded,
          'POP',
          () => store.run(kvPop, this.#args(one, {})),
          (now) => {
            if (now === null) throw new Refused('KEY_NOT_FOUND');
            return this.#editList(now, (list) => {
              if (list.length === 0) throw new Refused('KEY_NOT_FOUND');
              list.pop();
            });
          },
        );
        break;
      case 'expire':
        this.#expire(one);
        break;
      case 'batch':
        this.#batch(one.value, one.recorded);
        break;
      case 'native':
        this.#native(one);
        break;
      case 'wait':
        this.#wait(one.seconds);
        break;
      case 'long-wait':
        this.#wait(25 * 3600);
        break;
      case 'rollback':
        this.#same(
          () => store.run(kvRollback, store.write(one.key, { steps: one.steps })).json.rolled_back,
          () => model.rollback(one.key, one.steps),
        );
        break;
      case 'return':
        this.#return(Math.max(this.#start, model.now - one.ago));
        break;
      case 'sweep':
        this.#retain(0, 0);
        model.sweep();
        break;
      case 'prune':
        this.#retain(one.age, one.ops);
        model.sweep();
        model.prune(one.age, one.ops);
        break;
      case 'look':
        this.look(Math.max(this.#start, model.now - one.ago), one.span);
        break;
    }
    this.#compareNow();
  }

  /** Compares the whole table at a time, and with another time. */
  look(seconds: number, span: number): void {
    const from = Math.max(seconds, this.#start);
    const to = Math.min(from + span, this.model.now);
    this.#compareSnapshot(to);
    if (from < to) this.#compareDiff(from, to);
    for (const name of keys) this.#compareAt(name, from);
  }

  #args<More extends object>(one: { key: string; recorded: boolean }, more: More) {
    return { ...this.store.write(one.key, more), history: one.recorded };
  }

  /** An operation that reads, changes and writes one key; both refuse it with the same code, or both do it. */
  #edit(
    name: string,
    isRecorded: boolean,
    op: string,
    real: () => unknown,
    change: (now: State | null) => State | null,
  ): void {
    this.#same(
      () => void real(),
      () => {
        const next = change(this.model.live(name));
        this.model.endOver(name);
        this.model.write(name, op, next === null ? 'delete' : 'set', next, isRecorded);
      },
    );
  }

  #editList(now: State, edit: (list: unknown[]) => void): State {
    const list = now.value === 'words' ? null : (JSON.parse(now.value) as unknown);
    if (!Array.isArray(list)) throw new Refused('INVALID_PARAMETERS');
    edit(list);
    return { ...now, value: JSON.stringify(list), type: json };
  }

  #expire(one: { key: string; ttl: number | null; recorded: boolean }): void {
    this.#same(
      () => void this.store.run(kvExpire, this.#args(one, { ttlSeconds: one.ttl })),
      () => {
        const now = this.model.live(one.key);
        if (now === null) throw new Refused('KEY_NOT_FOUND');
        if (one.ttl === null && now.expireAt === null) return;
        const expireAt = one.ttl === null ? null : this.model.now + one.ttl;
        this.model.write(one.key, one.ttl === null ? 'PERSIST' : 'EXPIRE', 'ttl', { ...now, expireAt }, one.recorded);
      },
    );
  }

  #batch(newValue: string, isRecorded: boolean): void {
    const { store, model } = this;
    const common = { table, history: isRecorded, clientIp: '10.0.0.1' };
    const items = [
      { key: 'a', value: newValue, content_type: text },
      { key: 'b', value: newValue, content_type: text },
    ];
    store.run(kvBatchSet, { ...common, body: Buffer.from(JSON.stringify({ items })) });
    store.run(kvBatchDelete, { ...common, body: Buffer.from('{"keys":["b"]}') });
    for (const name of ['a', 'b']) {
      model.endOver(name);
      model.write(name, 'SET', 'set', { value: newValue, type: text, expireAt: null }, isRecorded);
    }
    model.write('b', 'DELETE', 'delete', null, isRecorded);
  }

  #native(one: Extract<Step, { do: 'native' }>): void {
    const { native } = this.store;
    const { model } = this;
    const row = model.row(one.key);
    const fresh: State = { value: one.value, type: text, expireAt: null };
    const put = (next: State) => model.write(one.key, 'SET', 'set', next);
    switch (one.how) {
      case 'update':
        native.prepare('UPDATE kv_store SET value = ? WHERE key = ?').run(one.value, one.key);
        if (row !== null) put({ ...row, value: one.value });
        break;
      case 'replace':
        native.prepare('REPLACE INTO kv_store (key, value) VALUES (?, ?)').run(one.key, one.value);
        put(fresh);
        break;
      case 'ignore':
        native.prepare('INSERT OR IGNORE INTO kv_store (key, value) VALUES (?, ?)').run(one.key, one.value);
        if (row === null) put(fresh);
        break;
      case 'upsert':
        native
          .prepare(
            'INSERT INTO kv_store (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
          )
          .run(one.key, one.value);
        put(row === null ? fresh : { ...row, value: one.value });
        break;
      case 'delete': {
        native.prepare('DELETE FROM kv_store WHERE key = ?').run(one.key);
        const isOver = row?.expireAt != null && row.expireAt <= model.now;
        if (row !== null) model.write(one.key, isOver ? 'EXPIRED' : 'DELETE', isOver ? 'expire' : 'delete', null);
        break;
      }
      case 'rename': {
        if (one.key === one.other || row === null) break;
        native.prepare('UPDATE OR REPLACE kv_store SET key = ? WHERE key = ?').run(one.other, one.key);
        const isOver = row.expireAt !== null && row.expireAt <= model.now;
        model.write(one.key, isOver ? 'EXPIRED' : 'DELETE', isOver ? 'expire' : 'delete', null);
        model.write(one.other, 'SET', 'set', row);
        break;
      }
      case 'ttl': {
        const expireAt = model.now + 4;
        native.prepare('UPDATE kv_store SET expire_at = ? WHERE key = ?').run(expireAt, one.key);
        if (row === null) break;
        const isSameTtl = row.expireAt === expireAt;
        model.write(one.key, isSameTtl ? 'SET' : 'EXPIRE', isSameTtl ? 'set' : 'ttl', { ...row, expireAt });
        break;
      }
      case 'abandoned':
        native.exec('BEGIN; DELETE FROM kv_store; ROLLBACK');
        break;
    }
  }

  #wait(seconds: number): void {
    this.store.advance(seconds);
    this.model.now = this.store.now;
  }

  #return(toSeconds: number): void {
    const { store, model } = this;
    const args = { table, history: true, clientIp: '10.0.0.1', toSeconds, keys: [], excludeKeys: [] };
    const plan = () => model.planRollback(toSeconds, this.#forgottenAt());
    this.#same(
      () => {
        const { preview } = store.run(kvTableRollbackPreview, args).json;
        return (preview.changes ?? []).map((change: { key: string }) => change.key).sort();
      },
      () => [...plan().keys()].sort(),
    );
    this.#same(
      () => void store.run(kvTableRollback, args),
      () => {
        for (const [name, target] of plan()) {
          model.endOver(name);
          if (target === null) model.write(name, 'DELETE', 'delete', null);
          else model.write(name, 'SET', 'set', target);
        }
      },
      // The order in which a rollback writes its keys is its own.
      'sorted',
    );
  }

  #retain(maxAgeSeconds: number, maxOps: number): void {
    const settings = `${maxAgeSeconds} ${maxOps}`;
    let progress = this.#progress.get(settings) ?? {};
    for (let hasMore = true; hasMore; ) {
      ({ progress, hasMore } = this.store.call(kvRetain, { maxAgeSeconds, maxOps, progress }));
    }
    // A store that was restarted begins anew: both ways must do.
    this.#progress.set(settings, this.model.now % 2 === 0 ? progress : {});
    for (const [name] of this.model.keys) {
      const known = this.store.native.prepare('SELECT 1 FROM "hoody:kv_keys:kv_store" WHERE key = ?').get(name);
      if (known === undefined) this.model.forget(name);
    }
  }

  #same<Result>(real: () => Result, expected: () => Result, order: 'in order' | 'sorted' = 'in order'): void {
    const outcome = (run: () => Result) => {
      try {
        return { value: run() };
      } catch (error) {
        if (error instanceof Error && 'code' in error) return { code: error.code };
        throw error;
      }
    };
    expect(outcome(real)).toEqual(outcome(expected));
    this.#compareFeed(order);
  }

  #compareFeed(order: 'in order' | 'sorted'): void {
    const answer = this.store.call(kvChanges, {
      table,
      since: this.#cursor,
      prefix: '',
      limit: 1000,
      includeValues: false,
    });
    const shown = (change: { key: unknown; op: unknown }) => `${change.op} ${change.key}`;
    const seen = answer.events.map((event) => shown({ key: event.key, op: event.op }));
    const expected = this.model.changes.slice(this.#seenChanges).map(shown);
    if (order === 'sorted') expect(seen.sort()).toEqual(expected.sort());
    else expect(seen).toEqual(expected);
    this.#seenChanges = this.model.changes.length;
    this.#cursor = answer.cursor;
  }

  #compareNow(): void {
    const { store, model } = this;
    this.#compareFeed('sorted');
    for (const name of keys) {
      expect(store.get(name)).toBe(model.live(name)?.value ?? null);
      this.#compareHistory(name);
    }
    const listed = store.run(kvList, { table, prefix: '', limit: 100, offset: 0, after: '' }).json.items ?? [];
    const expected = ['first', ...keys].filter((name) => model.live(name) !== null);
    expect(listed.map((item: { key: string }) => item.key).sort()).toEqual(expected.sort());
  }

  #compareHistory(name: string): void {
    const { operations } = this.store.run(kvHistory, { table, key: name, limit: 1000 }).json;
    const found = this.model.keys.get(name);
    const entries = found?.entries ?? [];
    const expected = entries.flatMap((entry, index) => {
      const before = index === 0 ? found?.base : entries[index - 1]?.after;
      return entry.op === 'EXPIRED'
        ? []
        : [{ op: entry.op, ts: entry.ts, old: shownPast(before), new: shownPast(entry.after) }];
    });
    const seen = operations.map((one: { timestamp: number; operation: Record<string, string | null> }) => ({
      op: one.operation.op,
      ts: one.timestamp,
      old: decode(one.operation.raw_old_value),
      new: decode(one.operation.raw_new_value),
    }));
    expect(seen.reverse()).toEqual(expected);
    if (operations.length > 0) this.#compareNumbers(name, operations);
  }

  /** Rising within a key, and the value after the newest is the one that it should be. */
  #compareNumbers(name: string, operations: { op_number: number; operation: { op: string } }[]): void {
    const numbers = operations.map(({ op_number }) => op_number);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => other - one));
    const last = operations[0];
    if (last === undefined || last.operation.op === 'UNRECORDED') return;
    const after = this.model.keys.get(name)?.entries.findLast(({ op }) => op !== 'EXPIRED')?.after;
    const code = after === 'absent' ? 'KEY_NOT_FOUND' : 'TIME_TRAVEL_CHAIN_GAP';
    const snapshot = () => this.store.run(kvSnapshot, { table, key: name, opNumber: last.op_number }).json;
    if (typeof after === 'string') expect(snapshot).toThrow(expect.objectContaining({ code }));
    else expect(bytesOf(snapshot(), '')).toBe(after?.value);
  }

  #compareAt(name: string, seconds: number): void {
    const past = this.model.at(name, seconds, this.#forgottenAt());
    const real = () => this.store.run(kvGetAt, { table, key: name, atSeconds: seconds }).json;
    if (past === 'gap') expect(real).toThrow(expect.objectContaining({ code: 'TIME_TRAVEL_CHAIN_GAP' }));
    else if (past === 'absent') expect(real).toThrow(expect.objectContaining({ status: 404 }));
    else expect(bytesOf(real(), '')).toBe(past.value);
  }

  #compareSnapshot(seconds: number): void {
    const forgottenAt = this.#forgottenAt();
    const args = { table, atSeconds: seconds, prefix: '', limit: 0, offset: 0, after: '' };
    const snapshot = this.store.run(kvTableSnapshot, args).json;
    const seen = (snapshot.keys ?? []).map((one: { key: string }) => [one.key, bytesOf(one as never, '')]);
    const expected = [...this.model.keys.keys()].flatMap((name) => {
      const past = this.model.at(name, seconds, forgottenAt);
      return typeof past === 'string' ? [] : [[name, past.value]];
    });
    expect(seen.sort()).toEqual(expected.sort());
    expect(snapshot.total_keys_at_snapshot).toBe(expected.length);
    const gaps = [...this.model.keys.keys()].filter((name) => this.model.at(name, seconds, forgottenAt) === 'gap');
    expect((snapshot.gap_keys ?? []).sort()).toEqual(gaps.sort());
  }

  #compareDiff(from: number, to: number): void {
    const forgottenAt = this.#forgottenAt();
    const diff = this.store.run(kvDiff, { table, fromSeconds: from, toSeconds: to, keys: [], after: '' }).json;
    const stats = { created: 0, modified: 0, deleted: 0, unchanged: 0, total_changes: 0 };
    const expected: unknown[] = [];
    let hasGap = false;
    for (const name of this.model.keys.keys()) {
      const [before, after] = [this.model.at(name, from, forgottenAt), this.model.at(name, to, forgottenAt)];
      if (before === 'gap' || after === 'gap') {
        hasGap = true;
        continue;
      }
      const kind = kindOf(before, after);
      if (kind === null) continue;
      stats[kind] += 1;
      if (kind === 'unchanged') continue;
      stats.total_changes += 1;
      expected.push([name, kind, shownPast(before), shownPast(after)]);
    }
    const seen = (diff.changes ?? []).map((change: { key: string; change_type: string }) => [
      change.key,
      change.change_type,
      bytesOf(change as never, 'from_') ?? null,
      bytesOf(change as never, 'to_') ?? null,
    ]);
    expect(seen.sort()).toEqual(expected.sort());
    // Keys with a gap count nowhere, yet a key that nobody touched since counts as unchanged without being looked at.
    if (!hasGap) expect(diff.stats).toEqual(stats);
  }

  #forgottenAt(): number {
    const sql = `SELECT forgotten_at FROM "hoody:kv_meta" WHERE name = 'kv_store'`;
    return this.store.native.prepare(sql).pluck().get() as number;
  }
}

function kindOf(
  before: State | 'absent',
  after: State | 'absent',
): 'created' | 'modified' | 'deleted' | 'unchanged' | null {
  if (before === 'absent') return after === 'absent' ? null : 'created';
  if (after === 'absent') return 'deleted';
  return isSame(before, after) ? 'unchanged' : 'modified';
}

function shownPast(past: State | string | undefined): string | null {
  return typeof past === 'object' ? past.value : null;
}

function decode(raw: string | null | undefined): string | null {
  return raw == null ? null : Buffer.from(raw, 'base64').toString();
}

function bytesOf(members: Record<string, unknown>, prefix: string): string | undefined {
  const base64 = members[`${prefix}value_base64`];
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64').toString();
  const parsed = members[`${prefix}value`];
  return parsed === undefined ? undefined : JSON.stringify(parsed);
}
