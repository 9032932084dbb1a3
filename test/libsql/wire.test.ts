// What goes over the wire to libSQL clients: the name in the path, values, errors.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { execute, float, integer, pipelineOf, step, text } from './pipelines.ts';

const api = useDaemon(['--create-on-write']);

const pipeline = pipelineOf(api);

describe('a name in the path', () => {
  test('without one, the call is told how to give one', async () => {
    for (const path of ['//libsql/v2/pipeline', '//libsql/v3/pipeline', '//libsql/v3/cursor']) {
      const answer = await api().call('POST', path, { body: { requests: [] } });
      expect([path, answer.status, answer.headers['content-type']]).toEqual([path, 400, 'application/json']);
      expect(answer.json.message).toMatch(/end the URL with \//);
      expect(answer.json.code).toBe('INVALID_DB_PATH');
    }
  });

  test('an absolute path may stand encoded or not', async () => {
    const path = join(api().daemon.root, 'below.db');
    await pipeline(encodeURIComponent(path), execute('CREATE TABLE t (a)'));
    expect(await pipeline(path, execute('SELECT count(*) FROM t'))).toMatchObject([{ type: 'ok' }]);
    expect(await pipeline('below', execute('SELECT count(*) FROM t'))).toMatchObject([{ type: 'ok' }]);
  });

  test('probes are answered, and protobuf is not there', async () => {
    const statuses = ['v2', 'v3', 'health', 'version', 'v3-protobuf'].map(async (path) => {
      return (await api().call('GET', `//libsql/app/${path}`)).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200, 404]);
  });
});

describe('values', () => {
  test('come back as they were stored, with names, types and counts', async () => {
    const [made, inserted, selected] = await pipeline(
      'values',
      execute('CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b BLOB, n)'),
      execute('INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)', {
        args: [
          integer('7'),
          integer('-9223372036854775808'),
          float(0.5),
          text('\u{1f600}'),
          { type: 'blob', base64: 'AQI' },
          { type: 'null' },
        ],
      }),
      execute('SELECT *, 1 + 1 AS two FROM t;'),
    );
    expect(made?.response.result).toEqual({
      cols: [],
      rows: [],
      affected_row_count: 0,
      last_insert_rowid: null,
    });
    expect(inserted?.response.result).toMatchObject({ affected_row_count: 1, last_insert_rowid: '7' });
    const { cols, rows } = selected?.response.result ?? {};
    expect(cols).toEqual([
      { name: 'id', decltype: 'INTEGER' },
      { name: 'i', decltype: 'INTEGER' },
      { name: 'r', decltype: 'REAL' },
      { name: 's', decltype: 'TEXT' },
      { name: 'b', decltype: 'BLOB' },
      { name: 'n', decltype: null },
      { name: 'two', decltype: null },
    ]);
    expect(rows).toEqual([
      [
        integer('7'),
        integer('-9223372036854775808'),
        float(0.5),
        text('\u{1f600}'),
        { type: 'blob', base64: 'AQI' },
        { type: 'null' },
        integer('2'),
      ],
    ]);
  });

  test('a whole number that arrives as a float limits rows', async () => {
    const sql = 'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 9) SELECT x FROM r LIMIT ?';
    const [result] = await pipeline('values', execute(sql, { args: [float(2)] }));
    expect(result?.response.result.rows).toEqual([[integer('1')], [integer('2')]]);
  });

  test('names stand with and without prefix, beside positions; base64 may be padded', async () => {
    const named_args = [
      { name: 'a', value: text('x') },
      { name: ':b', value: { type: 'blob', base64: 'AQ==' } },
    ];
    const [result, missing, many] = await pipeline(
      'values',
      execute('SELECT :a, :b, ?', { args: [integer('0'), integer('0'), integer('3')], named_args }),
      execute('SELECT ?, ?', { args: [integer('1')] }),
      execute('SELECT ?', { args: [integer('1'), integer('2')] }),
    );
    expect(result?.response.result.rows).toEqual([[text('x'), { type: 'blob', base64: 'AQ' }, integer('3')]]);
    expect([missing?.error?.code, many?.error?.code]).toEqual(['SQLITE_ERROR', 'SQLITE_ERROR']);
  });

  test('rows are not cut off', async () => {
    const sql = 'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 20000) SELECT x FROM r';
    const [all, none] = await pipeline('values', execute(sql), execute(sql, { want_rows: false }));
    expect(all?.response.result.rows).toHaveLength(20_000);
    expect(none?.response.result.rows).toEqual([]);
  });

  test('RETURNING has rows and counts', async () => {
    const [, result] = await pipeline(
      'returning',
      execute('CREATE TABLE t (id INTEGER PRIMARY KEY, v)'),
      execute("INSERT INTO t (v) VALUES ('a'), ('b') RETURNING id"),
    );
    expect(result?.response.result).toMatchObject({
      rows: [[integer('1')], [integer('2')]],
      affected_row_count: 2,
      last_insert_rowid: '2',
    });
  });
});

describe('errors', () => {
  test('of SQL stand inside a 200 with primary codes, and what came before them stays', async () => {
    const results = await pipeline(
      'errors',
      execute('CREATE TABLE t (a UNIQUE, b NOT NULL)'),
      execute('INSERT INTO t VALUES (1, 1)'),
      execute('INSERT INTO t VALUES (1, 1)'),
      execute('INSERT INTO t VALUES (2, NULL)'),
      execute('SELEC'),
      execute('SELECT 1; SELECT 2'),
      execute(' -- nothing'),
      execute('SELECT count(*) FROM t'),
      execute('COMMIT'),
      execute('BEGIN CONCURRENT'),
      execute('VACUUM'),
    );
    expect(results.map(({ error }) => error?.code ?? 'ok')).toEqual([
      'ok',
      'ok',
      'SQLITE_CONSTRAINT',
      'SQLITE_CONSTRAINT',
      'SQLITE_ERROR',
      'SQLITE_ERROR',
      'SQLITE_ERROR',
      'ok',
      'SQLITE_ERROR',
      'SQLITE_ERROR',
      'SQLITE_ERROR',
    ]);
    expect(results[2]?.error?.message).toBe('UNIQUE constraint failed: t.a');
    expect(results[7]?.response.result.rows).toEqual([[integer('1')]]);
  });

  test('of the request are a 4xx of exactly application/json, and nothing has run', async () => {
    const bad: readonly (readonly [string, string | object])[] = [
      ['no JSON', '{'],
      ['no requests', {}],
      ['an unknown type', { requests: [execute('CREATE TABLE never (a)'), { type: 'explode' }] }],
      ['a bad value', { requests: [execute('SELECT ?', { args: [{ type: 'integer', value: '1.5' }] })] }],
      ['two sources', { requests: [execute('SELECT 1', { sql_id: 1 })] }],
      [
        'a later step',
        { requests: [{ type: 'batch', batch: { steps: [step('SELECT 1', { type: 'ok', step: 0 })] } }] },
      ],
      ['a foreign baton', { baton: 'x', requests: [] }],
    ];
    for (const [what, body] of bad) {
      const answer = await api().call('POST', '//libsql/errors/v3/pipeline', { body });
      expect([what, answer.status, answer.headers['content-type']]).toEqual([what, 400, 'application/json']);
      expect(Object.keys(answer.json), what).toEqual(['message', 'code']);
    }
    const [result] = await pipeline('errors', execute("SELECT count(*) FROM sqlite_schema WHERE name = 'never'"));
    expect(result?.response.result.rows).toEqual([[integer('0')]]);
  });
});
