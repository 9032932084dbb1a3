// The rollback of a table where more keys were touched, or differ, than one answer or one rollback may hold. Small
// limits.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { kvDiff } from '../../../../server/executor/kv/past/table-diff.ts';
import {
  kvPlanTableRollback,
  kvTableRollback,
  kvTableRollbackPreview,
} from '../../../../server/executor/kv/past/table-rollback.ts';
import { kvTableSnapshot } from '../../../../server/executor/kv/past/table-snapshot.ts';
import { kvList } from '../../../../server/executor/kv/store/list.ts';
import type { TableRollbackPlan } from '../../../../server/messages/operations/kv-past.ts';
import { TestStore, table } from '../../../helpers/kv-store.ts';

vi.mock(import('../../../../server/messages/kv-limits.ts'), async (original) => {
  const { kvLimits } = await original();
  const small = { ...kvLimits, scannedKeys: 20, rolledBackKeys: 20, previewedChanges: 5 };
  return { kvLimits: small as unknown as typeof kvLimits };
});

/** Touched, but as they were: they sort before all others, and were touched before them. */
const same = Array.from({ length: 100 }, (_, n) => `a${String(n).padStart(3, '0')}`);

let store: TestStore;
let toSeconds: number;
beforeEach(() => {
  store = new TestStore();
  store.set('z', 'before');
  store.set('gone', 'before');
  for (const key of same) store.set(key, '1');
  toSeconds = store.now;
  store.advance(10);
  for (const value of ['2', '1']) for (const key of same) store.set(key, value);
});
afterEach(() => store.close());

const args = (more: object = {}) => ({
  table,
  history: true,
  clientIp: '10.0.0.1',
  toSeconds,
  keys: [],
  excludeKeys: [],
  ...more,
});
const planned = (more: object = {}) => store.call(kvPlanTableRollback, args(more));
const rollback = (more: object = {}, plan: TableRollbackPlan | null = planned(more)) =>
  store.run(kvTableRollback, { ...args(more), plan }).json;
const preview = (more: object = {}) => store.run(kvTableRollbackPreview, args(more)).json.preview;
const setNew = (count: number) => {
  for (let n = 0; n < count; n += 1) store.set(`new${n}`, 'x');
};
const newest = () => store.native.prepare('SELECT max(seq) FROM "hoody:kv_log:kv_store"').pluck().get();
const tooLarge = expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' });

describe('a table rollback', () => {
  test('finds every key that differs, however many others were touched', () => {
    store.set('z', 'after');
    store.delete('gone');
    setNew(1);
    expect(preview()).toMatchObject({
      keys_to_rollback: 1,
      keys_to_delete: 1,
      keys_to_restore: 1,
      discovery_truncated: false,
      changes: expect.objectContaining({ length: 3 }),
    });
    expect(rollback()).toMatchObject({ rolled_back: 1, deleted: 1, restored: 1 });
    expect([store.get('z'), store.get('gone'), store.get('new0')]).toEqual(['before', 'before', null]);
    expect(preview()).toMatchObject({ changes: null, discovery_truncated: false });
  });

  test('changes as many keys as the limit says', () => {
    setNew(20);
    expect(rollback()).toMatchObject({ deleted: 20 });
  });

  test('of more keys than the limit is refused as a whole, and so is its preview', () => {
    setNew(21);
    const before = newest();
    expect(() => rollback()).toThrow(tooLarge);
    expect(() => preview()).toThrow(tooLarge);
    expect(newest()).toBe(before);
    expect(rollback({ excludeKeys: ['new7'] })).toMatchObject({ deleted: 20 });
    expect(store.get('new7')).toBe('x');
  });

  test('shows some of many changes, says so, and counts all of them', () => {
    setNew(5);
    expect(preview()).toMatchObject({ keys_to_delete: 5, discovery_truncated: false });
    setNew(6);
    const shown = preview();
    expect(shown).toMatchObject({ keys_to_delete: 6, discovery_truncated: true });
    expect(shown.changes).toHaveLength(5);
  });

  test('that was planned ahead takes in what was written since, by whomever, and nothing else', () => {
    store.set('z', 'after');
    setNew(3);
    const plan = planned();
    expect(plan.changes).toHaveLength(4);
    store.native.prepare("UPDATE kv_store SET value = 'later' WHERE key IN ('z', 'a005')").run();
    store.delete('new1');
    store.set('new2', 'y');
    store.set('new3', 'x');
    expect(rollback({}, plan)).toMatchObject({ rolled_back: 2, deleted: 3, restored: 0 });
    const now = ['z', 'a005', 'new0', 'new1', 'new2', 'new3'].map((key) => store.get(key));
    expect(now).toEqual(['before', '1', null, null, null, null]);
    expect(planned().changes).toEqual([]);
  });

  test('that was planned ahead looks at no other key again', () => {
    store.set('z', 'after');
    const count = (plan: TableRollbackPlan | null) => {
      const asked = vi.spyOn(store.connection, 'statement');
      expect(rollback({}, plan)).toMatchObject({ rolled_back: 1 });
      return asked.mock.calls.length;
    };
    const ahead = count(planned());
    store.set('z', 'after');
    expect(count(null)).toBeGreaterThan(same.length + ahead);
    expect(ahead).toBeLessThan(same.length);
  });

  test('does not follow the plan of another database, or of one that was restored since', () => {
    const [early, saved] = [planned(), join(store.directory, 'saved.db')];
    store.whileClosed(() => copyFileSync(store.path, saved));
    store.set('z', 'after');
    const plan = planned();
    expect(plan.changes).toHaveLength(1);
    store.whileClosed(() => copyFileSync(saved, store.path));
    store.set('gone', 'after');
    expect(rollback({}, plan)).toMatchObject({ rolled_back: 1 });
    expect([store.get('z'), store.get('gone')]).toEqual(['before', 'before']);
    expect(early.changes).toEqual([]);
    expect(rollback({}, { ...early, cursor: early.cursor.replace(/^\w+/, 'abc') })).toMatchObject({ rolled_back: 0 });
  });

  test('of named keys leaves alone what others wrote since its plan', () => {
    store.set('z', 'after');
    const named = { keys: ['z', 'nobody'] };
    const plan = planned(named);
    expect(plan.untouched).toEqual(['nobody']);
    store.set('gone', 'after');
    store.set('nobody', 'now');
    expect(rollback(named, plan)).toMatchObject({ rolled_back: 1, deleted: 1, untouched_keys: [] });
    expect([store.get('gone'), store.get('nobody')]).toEqual(['after', null]);
  });

  test('of more keys than the limit is refused, also where they were written since its plan', () => {
    setNew(20);
    const plan = planned();
    store.set('new20', 'x');
    expect(() => rollback({}, plan)).toThrow(tooLarge);
    expect(store.get('new3')).toBe('x');
  });

  test('of a key that is named twice changes it once', () => {
    store.set('z', 'after');
    expect(rollback({ keys: ['z', 'z'] })).toMatchObject({ rolled_back: 1 });
  });
});

test('a diff says whether it looked at all keys, and goes on where it ended', () => {
  const diff = (from: number, after = '') =>
    store.run(kvDiff, { table, fromSeconds: from, toSeconds: store.now, keys: [], after }).json;
  expect(diff(toSeconds)).toMatchObject({ candidate_truncated: true });
  const later = store.now;
  store.advance(10);
  setNew(20);
  expect(diff(later)).toMatchObject({ candidate_truncated: false, next_after: null, stats: { created: 20 } });
  setNew(50);
  const keys = store.run(kvList, { table, prefix: '', limit: 1000, offset: 0, after: '' }).json.count;
  const pages: { next_after: string | null; stats: Record<string, number>; changes: { key: string }[] }[] = [];
  for (let after: string | null = ''; after !== null; after = pages.at(-1)?.next_after ?? null)
    pages.push(diff(later, after));
  expect(pages.length).toBeGreaterThan(2);
  const sum = (member: string) => pages.reduce((total, { stats }) => total + (stats[member] ?? 0), 0);
  expect([sum('created'), sum('unchanged')]).toEqual([50, keys - 50]);
  const changed = pages.flatMap(({ changes }) => changes.map(({ key }) => key));
  expect(changed).toEqual([...changed].sort());
  expect(new Set(changed).size).toBe(50);
});

test('a snapshot goes on where it ended, by its limit or by what it looked at', () => {
  setNew(50);
  const snapshot = (limit: number, after = '') =>
    store.run(kvTableSnapshot, { table, atSeconds: store.now, prefix: 'new', limit, offset: 0, after }).json;
  for (const limit of [7, 0]) {
    const keys: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page: { keys: { key: string }[] | null; next_after: string | null } = snapshot(limit, after);
      keys.push(...(page.keys ?? []).map(({ key }) => key));
      after = page.next_after;
    }
    expect(keys).toHaveLength(50);
    expect(keys).toEqual([...new Set(keys)].sort());
  }
});
