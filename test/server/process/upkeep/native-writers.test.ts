// Whose name a change without a client gets, and which changes never get one.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvLogEnds, kvNameRows } from '../../../../server/executor/kv/upkeep/native-rows.ts';
import { onlyWriter } from '../../../../server/process/upkeep/native-writers.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

const window = (pid: number, sinceMs: number, untilMs: number | null, container = 'host') => ({
  pid,
  command: 'python3',
  container,
  sinceMs,
  untilMs,
});

describe('the only writer between two times', () => {
  const record = {
    completeSinceMs: 100,
    windows: [window(1, 200, 300), window(2, 300, 400), window(1, 500, 600), window(3, 900, null), window(0, 50, 110)],
  };
  test.each([
    ['is named', 210, 290, 'native:python3[1]@host'],
    ['is named where it ended or began in between', 590, 700, 'native:python3[1]@host'],
    ['is not known where nobody wrote', 700, 800, null],
    ['is not known where two wrote', 250, 310, null],
    ['is not known from before the record', 90, 290, null],
    ['is not known where nobody sees it', 105, 150, null],
    ['is who still writes', 1000, 1001, 'native:python3[3]@host'],
  ])('%s', (_name, fromMs, toMs, expected) => {
    expect(onlyWriter(record, fromMs, toMs, () => false)).toBe(expected);
  });

  test('is looked for among native clients', () => {
    expect(onlyWriter(record, 250, 310, (pid) => pid === 2)).toBe('native:python3[1]@host');
    expect(onlyWriter(null, 1, 2, () => false)).toBe(null);
  });

  test('has a plain name, whatever it calls itself', () => {
    const odd = {
      completeSinceMs: 0,
      windows: [{ ...window(1, 1, 2, 'web 1'), command: '<b>\n\u{1f600}'.repeat(50) }],
    };
    expect(onlyWriter(odd, 1, 2, () => false)).toMatch(/^native:[\w.+:-]{64}\[1\]@web_1$/);
  });
});

describe('changes in the log', () => {
  let store: TestStore;
  beforeEach(() => {
    store = new TestStore();
    store.set('k', '1');
  });
  afterEach(() => store.close());

  const clients = (key: string) =>
    store
      .run(kvHistory, { table: 'kv_store', key, limit: 100 })
      .json.operations.map(({ client }: { client: string }) => client);

  /** Names whatever is in the log by now. */
  const nameAll = (client: string) => {
    const ends = store.call(kvLogEnds, {});
    const named = Object.entries(ends).map(([tableId, { table, seq }]) => ({
      tableId,
      table,
      afterSeq: 0,
      toSeq: seq,
      client,
    }));
    return store.call(kvNameRows, named);
  };

  test('get the name unless they have a client already', () => {
    store.native.exec("UPDATE kv_store SET value = '2'");
    store.set('k', '3');
    expect(clients('k')).toEqual(['http', 'native', 'http']);
    expect(nameAll('native:sh[1]@host')).toEqual([]);
    expect(clients('k')).toEqual(['http', 'native:sh[1]@host', 'http']);
  });

  test('get it many at a time', () => {
    store.native.exec(`WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO kv_store (key, value) SELECT 'k' || i, i FROM n`);
    expect(nameAll('native:sh[1]@host')).toEqual([]);
    for (const key of ['k1', 'k500', 'k1000']) expect(clients(key)).toEqual(['native:sh[1]@host']);
  });

  test('that nobody can be blamed for stay without one', () => {
    store.native.exec('UPDATE kv_store SET value = \'2\'; DROP TRIGGER "hoody:kv_update:kv_store"');
    store.set('other', '1');
    nameAll('native:sh[1]@host');
    // The gap is written by the API when it finds the trigger missing.
    expect(clients('k')).toEqual(['native', 'native:sh[1]@host', 'http']);
  });

  test('are not looked at while triggers of somebody else may write beside the API', () => {
    expect(Object.keys(store.call(kvLogEnds, {}))).toHaveLength(1);
    store.native.exec(
      "CREATE TRIGGER mine AFTER INSERT ON kv_store BEGIN UPDATE kv_store SET value = '9' WHERE key = 'k'; END",
    );
    expect(store.call(kvLogEnds, {})).toEqual({});
  });
});
