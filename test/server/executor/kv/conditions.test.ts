// When a write happens, and when it happens again: conditions by tag and value, and requests that are sent twice.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvIncrement } from '../../../../server/executor/kv/store/atomic.ts';
import { holds, isNotModified } from '../../../../server/executor/kv/store/conditions.ts';
import { kvGet, kvSet } from '../../../../server/executor/kv/store/store.ts';
import type { KvRow } from '../../../../server/executor/kv/table/row.ts';
import type { Conditions } from '../../../../server/messages/conditions.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const code = (value: string) => expect.objectContaining({ code: value });

describe('conditions', () => {
  const set = (key: string, conditions: object) =>
    store.run(kvSet, { ...store.write(key, { ...body(9), ttlSeconds: 0 }), conditions });

  test('If-Match holds for the current tag only, and 412 names the current one', () => {
    const first = store.set('a', '1').json.etag;
    const second = set('a', { ifMatch: ['"x"', first] }).json.etag;
    expect(() => set('a', { ifMatch: [first] })).toThrow(
      expect.objectContaining({ code: 'PRECONDITION_FAILED', members: { current_etag: second } }),
    );
    expect(() => set('none', { ifMatch: '*' })).toThrow(
      expect.objectContaining({ code: 'PRECONDITION_FAILED', members: { current_etag: null } }),
    );
    expect(() => set('a', { ifAbsent: true })).toThrow(code('PRECONDITION_FAILED'));
    set('b', { ifAbsent: true });
  });

  test('if_match compares the stored bytes', () => {
    store.set('a', '{"v": 1}');
    for (const other of ['{"v":1}', '{"v": 1', '', '{"v": 1} ']) {
      expect(() => set('a', { ifValue: other }), other).toThrow('Value mismatch for CAS');
    }
    set('a', { ifValue: '{"v": 1}' });
    expect(() => set('none', { ifValue: '' })).toThrow('Key does not exist for CAS');
  });

  test('a deleted and recreated key never gets an old tag again', () => {
    const tags = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      tags.add(store.set('a', '1').json.etag);
      store.delete('a');
    }
    expect(tags.size).toBe(5);
  });

  test('If-None-Match of a read answers 304', () => {
    store.set('a', '1');
    const etag = store.etag('a');
    expect(store.run(kvGet, { table, key: 'a', ifNoneMatch: `"z", W/${etag}` })).toMatchObject({
      status: 304,
      text: '',
    });
    expect(store.run(kvGet, { table, key: 'a', ifNoneMatch: '"z"' }).status).toBe(200);
  });
});

describe('against a row', () => {
  test.each<[string | undefined, string | null, boolean]>([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"b", W/"a"', '"a"', true],
    [' * ', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['"a" "b"', '"a"', false],
    [undefined, '"a"', false],
    ['*', null, false],
  ])('If-None-Match %s of a read with the tag %s: not modified is %s', (given, etag, expected) => {
    expect(isNotModified(given, etag)).toBe(expected);
  });

  test('a key without a tag, or none at all, fits no tag', () => {
    const row = (etag: string | null) => ({ etag }) as KvRow;
    const cases: [Conditions, KvRow | null, boolean][] = [
      [{}, null, true],
      [{ ifMatch: '*' }, row(null), true],
      [{ ifMatch: '*' }, null, false],
      [{ ifMatch: ['"a"'] }, row('"a"'), true],
      [{ ifMatch: ['"b"', '"a"'] }, row('"a"'), true],
      [{ ifMatch: ['"b"'] }, row('"a"'), false],
      [{ ifMatch: ['"a"'] }, row(null), false],
      [{ ifMatch: ['"a"'] }, null, false],
      [{ ifAbsent: true }, null, true],
      [{ ifAbsent: true }, row('"a"'), false],
    ];
    for (const [conditions, found, expected] of cases) {
      expect([conditions, found, holds(conditions, found)]).toEqual([conditions, found, expected]);
    }
  });
});

describe('idempotent writes', () => {
  const increment = (request: string) =>
    store.run(kvIncrement, {
      ...store.write('c', { op: 'INCR' as const, delta: 1n }),
      idempotency: { key: 'once', request },
    });

  test('the same request is answered again, another one with the same key is refused', () => {
    const first = increment('r1');
    const second = increment('r1');
    expect(second.text).toBe(first.text);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(store.get('c')).toBe('1');
    expect(() => increment('r2')).toThrow(code('IDEMPOTENCY_KEY_MISMATCH'));
    store.advance(24 * 3600);
    expect(increment('r1').headers['idempotent-replayed']).toBe('true');
    store.advance(1);
    expect(increment('r2').json.value).toBe(2);
  });
});
