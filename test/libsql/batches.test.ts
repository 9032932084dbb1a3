// Many statements of libSQL clients in one request: batches with conditions, sequences, stored SQL, cursors.
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { execute, integer, pipelineOf, step, text } from './pipelines.ts';

const api = useDaemon(['--create-on-write']);
const pipeline = pipelineOf(api);

describe('batches', () => {
  test('run a step where its condition holds', async () => {
    const ok = (at: number) => ({ type: 'ok', step: at });
    const error = (at: number) => ({ type: 'error', step: at });
    const not = (cond: object) => ({ type: 'not', cond });
    const both = (...conds: object[]) => ({ type: 'and', conds });
    const either = (...conds: object[]) => ({ type: 'or', conds });
    const steps = [
      step('SELECT 0'),
      step('SELEC', ok(0)),
      step('SELECT 2', ok(1)),
      step('SELECT 3', error(1)),
      step('SELECT 4', not(ok(1))),
      step('SELECT 5', both(ok(0), ok(3))),
      step('SELECT 6', both(ok(0), ok(2))),
      step('SELECT 7', either(ok(2), ok(3))),
      step('SELECT 8', either(ok(2), error(2))),
      step('SELECT 9', { type: 'is_autocommit' }),
      step('BEGIN'),
      step('SELECT 11', { type: 'is_autocommit' }),
      step('ROLLBACK'),
    ];
    const [result] = await pipeline('batches', execute('CREATE TABLE t (a)')).then(() =>
      pipeline('batches', { type: 'batch', batch: { steps } }),
    );
    const { step_results, step_errors } = result?.response.result ?? {};
    const ran = (step_results as (object | null)[]).flatMap((one, at) => (one === null ? [] : [at]));
    expect(ran).toEqual([0, 3, 4, 5, 7, 9, 10, 12]);
    expect((step_errors as ({ code: string } | null)[]).map((one) => one?.code)).toMatchObject({ 1: 'SQLITE_ERROR' });
  });

  test('are one transaction between BEGIN and COMMIT, and nothing of it stays where one fails', async () => {
    const batch = (...inserts: string[]) => {
      const last = inserts.length;
      const steps = [
        step('BEGIN IMMEDIATE'),
        ...inserts.map((sql, at) => step(sql, { type: 'ok', step: at })),
        step('COMMIT', { type: 'ok', step: last }),
        step('ROLLBACK', { type: 'not', cond: { type: 'ok', step: last + 1 } }),
      ];
      return pipeline('atomic', { type: 'batch', batch: { steps } });
    };
    await pipeline('atomic', execute('CREATE TABLE t (a UNIQUE)'));
    await batch('INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (2)');
    const [failed] = await batch('INSERT INTO t VALUES (3)', 'INSERT INTO t VALUES (1)');
    expect(failed?.response.result.step_errors[2].code).toBe('SQLITE_CONSTRAINT');
    const [left] = await pipeline('atomic', execute('SELECT a FROM t ORDER BY a'));
    expect(left?.response.result.rows).toEqual([[integer('1')], [integer('2')]]);
  });

  test('may switch foreign keys off before BEGIN and on after COMMIT', async () => {
    const steps = [
      step('PRAGMA foreign_keys=on'),
      step('CREATE TABLE p (id PRIMARY KEY)'),
      step('CREATE TABLE c (p REFERENCES p (id))'),
      step('INSERT INTO c VALUES (1)'),
      step('PRAGMA foreign_keys=off'),
      step('BEGIN'),
      step('INSERT INTO c VALUES (2)'),
      step('COMMIT'),
      step('PRAGMA foreign_keys=on'),
      step('INSERT INTO c VALUES (3)'),
    ];
    const [result] = await pipeline('keys', { type: 'batch', batch: { steps } });
    const codes = result?.response.result.step_errors.map((one: { code: string } | null) => one?.code ?? 'ok');
    expect(codes.filter((code: string) => code !== 'ok')).toEqual(['SQLITE_CONSTRAINT', 'SQLITE_CONSTRAINT']);
    expect([codes[3], codes[6]]).toEqual(['SQLITE_CONSTRAINT', 'ok']);
  });

  test('savepoints nest, begin and end transactions', async () => {
    const [result] = await pipeline('savepoints', {
      type: 'batch',
      batch: {
        steps: [
          step('CREATE TABLE t (a)'),
          step('SAVEPOINT one'),
          step('INSERT INTO t VALUES (1)'),
          step('SAVEPOINT "Two"'),
          step('INSERT INTO t VALUES (2)'),
          step('ROLLBACK TRANSACTION TO SAVEPOINT two'),
          step('RELEASE SAVEPOINT one'),
          step('SELECT group_concat(a) FROM t', { type: 'is_autocommit' }),
        ],
      },
    });
    expect(result?.response.result.step_errors.filter((one: unknown) => one !== null)).toEqual([]);
    expect(result?.response.result.step_results[7].rows).toEqual([[text('1')]]);
  });
});

test('a sequence runs to its first error; stored SQL, autocommit and descriptions are answered', async () => {
  const [sequence, failed, stored, ran, closed, unknown, autocommit, described, close] = await pipeline(
    'others',
    { type: 'sequence', sql: 'CREATE TABLE t (a INTEGER, b); BEGIN; INSERT INTO t VALUES (1, 2); COMMIT;' },
    { type: 'sequence', sql: 'INSERT INTO t VALUES (3, 4); SELEC; INSERT INTO t VALUES (5, 6)' },
    { type: 'store_sql', sql_id: 1, sql: 'SELECT count(*) FROM t' },
    { type: 'execute', stmt: { sql_id: 1 } },
    { type: 'close_sql', sql_id: 1 },
    { type: 'execute', stmt: { sql_id: 1 } },
    { type: 'get_autocommit' },
    { type: 'describe', sql: 'SELECT a, b AS c FROM t WHERE a = ? AND b = :b AND a = ?5' },
    { type: 'close' },
  );
  expect([sequence?.type, failed?.type, stored?.type, closed?.type, close?.type]).toEqual([
    'ok',
    'error',
    'ok',
    'ok',
    'ok',
  ]);
  expect(ran?.response.result.rows).toEqual([[integer('2')]]);
  expect(unknown?.error?.message).toMatch(/no SQL text is stored/);
  expect(autocommit?.response.is_autocommit).toBe(true);
  expect(described?.response.result).toEqual({
    params: [{ name: null }, { name: ':b' }, { name: null }, { name: null }, { name: '?5' }],
    cols: [
      { name: 'a', decltype: 'INTEGER' },
      { name: 'c', decltype: null },
    ],
    is_explain: false,
    is_readonly: true,
  });
});

test('a cursor answers a line for each entry', async () => {
  const steps = [step('SELECT 1 AS a UNION SELECT 2'), step('SELEC'), step('SELECT 3', { type: 'ok', step: 1 })];
  const answer = await api().call('POST', '//libsql/others/v3/cursor', { body: { batch: { steps } } });
  const lines = answer.text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { baton: null, base_url: null },
    { type: 'step_begin', step: 0, cols: [{ name: 'a', decltype: null }] },
    { type: 'row', row: [integer('1')] },
    { type: 'row', row: [integer('2')] },
    { type: 'step_end', affected_row_count: 0, last_insert_rowid: null },
    { type: 'step_error', step: 1, error: { message: 'near "SELEC": syntax error', code: 'SQLITE_ERROR' } },
  ]);
});
