// The comparison of the real store with the model: outcomes, feed, values, histories, and the past of the table.
import { expect } from 'vitest';
import { kvChanges } from '../../server/executor/kv/feed/changes.ts';
import { kvGetAt, kvHistory, kvSnapshot } from '../../server/executor/kv/past/history.ts';
import { kvDiff } from '../../server/executor/kv/past/table-diff.ts';
import { kvTableSnapshot } from '../../server/executor/kv/past/table-snapshot.ts';
import { kvList } from '../../server/executor/kv/store/list.ts';
import type { TestStore } from '../helpers/kv-store.ts';
import { isSame, type Model, type State } from './model.ts';
import { keys } from './model-steps.ts';

const table = 'kv_store';

export class Comparison {
  readonly store: TestStore;
  readonly model: Model;
  readonly #start: number;
  #cursor = '0-0-0-0';
  #seenChanges = 0;

  /** From the time of the store on: nothing is known of before. */
  constructor(store: TestStore, model: Model) {
    this.store = store;
    this.model = model;
    this.#start = store.now;
  }

  /** Both do it with the same result, or refuse it with the same code. */
  same<Result>(real: () => Result, expected: () => Result, order: 'in order' | 'sorted' = 'in order'): void {
    const outcome = (run: () => Result) => {
      try {
        return { value: run() };
      } catch (error) {
        if (error instanceof Error && 'code' in error) return { code: error.code };
        throw error;
      }
    };
    expect(outcome(real)).toEqual(outcome(expected));
    this.feed(order);
  }

  feed(order: 'in order' | 'sorted'): void {
    const answer = this.store.call(kvChanges, {
      table,
      since: this.#cursor,
      prefix: '',
      limit: 1000,
      includeValues: false,
    });
    const shown = (change: { key: unknown; op: unknown }) => `${change.op} ${change.key}`;
    const seen = answer.events.map(({ json }) => shown(JSON.parse(json)));
    const expected = this.model.changes.slice(this.#seenChanges).map(shown);
    if (order === 'sorted') expect(seen.sort()).toEqual(expected.sort());
    else expect(seen).toEqual(expected);
    this.#seenChanges = this.model.changes.length;
    this.#cursor = answer.cursor;
  }

  now(): void {
    const { store, model } = this;
    this.feed('sorted');
    for (const name of keys) {
      expect(store.get(name)).toBe(model.live(name)?.value ?? null);
      this.#history(name);
    }
    const listed = store.run(kvList, { table, prefix: '', limit: 100, offset: 0, after: '' }).json.items ?? [];
    const expected = ['first', ...keys].filter((name) => model.live(name) !== null);
    expect(listed.map((item: { key: string }) => item.key).sort()).toEqual(expected.sort());
  }

  #history(name: string): void {
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
    if (operations.length > 0) this.#numbers(name, operations);
  }

  /** Rising within a key, and the value after the newest is the one that it should be. */
  #numbers(name: string, operations: { op_number: number; operation: { op: string } }[]): void {
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

  #at(name: string, seconds: number): void {
    const past = this.model.at(name, seconds, this.forgottenAt());
    const real = () => this.store.run(kvGetAt, { table, key: name, atSeconds: seconds }).json;
    if (past === 'gap') expect(real).toThrow(expect.objectContaining({ code: 'TIME_TRAVEL_CHAIN_GAP' }));
    else if (past === 'absent') expect(real).toThrow(expect.objectContaining({ status: 404 }));
    else expect(bytesOf(real(), '')).toBe(past.value);
  }

  #snapshot(seconds: number): void {
    const forgottenAt = this.forgottenAt();
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

  #diff(from: number, to: number): void {
    const forgottenAt = this.forgottenAt();
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

  /** Compares the whole table at a time, and with another time. */
  look(seconds: number, span: number): void {
    const from = Math.max(seconds, this.#start);
    const to = Math.min(from + span, this.model.now);
    this.#snapshot(to);
    if (from < to) this.#diff(from, to);
    for (const name of keys) this.#at(name, from);
  }

  /** Before this second the store knows nothing for sure, after pruning. */
  forgottenAt(): number {
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
