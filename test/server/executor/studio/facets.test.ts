// What stands in a column, over real SQLite.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { facets } from '../../../../server/executor/studio/facets.ts';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import type { StudioFacetsRequest } from '../../../../server/messages/studio/rows.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

let db: GuardedDatabase;
beforeAll(() => {
  db = new GuardedDatabase(`
    CREATE TABLE "odd ""t" (id INTEGER PRIMARY KEY, "a ""b", s TEXT);
    INSERT INTO "odd ""t" ("a ""b", s) VALUES (NULL, 'x'), (NULL, 'y'), (1, 'x'), ('1', 'x'), (X'31', 'x'), (1, 'y'), (2.5, 'y');
    CREATE TABLE many (id INTEGER PRIMARY KEY, kind TEXT, long TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
      INSERT INTO many SELECT i, 'kind ' || (i % 50), NULL FROM n;
    UPDATE many SET long = printf('%.*c', 5000, 'z') WHERE id = 1;
    CREATE TABLE empty (a);
  `);
});
afterAll(() => db.close());

const facetsOf = (request: StudioFacetsRequest) => inRead(db.connection, () => facets(db.connection, request));

test('values of every kind keep apart, NULL among them; the ends are those of SQLite', () => {
  expect(facetsOf({ table: 'odd "t', column: 'a "b' })).toEqual({
    values: expect.arrayContaining([
      { value: null, rows: 2 },
      { value: { int: '1' }, rows: 2 },
      { value: '1', rows: 1 },
      { value: { blob: 'MQ==', bytes: 1 }, rows: 1 },
      { value: { real: '2.5' }, rows: 1 },
    ]),
    rows: 7,
    distinct: 4,
    nulls: 2,
    least: { int: '1' },
    greatest: { blob: 'MQ==', bytes: 1 },
    exact: true,
  });
});

test('only rows that the filters leave count', () => {
  const filters = [{ column: 's', operator: '=' as const, value: 'y' }];
  const found = facetsOf({ table: 'odd "t', column: 's', filters, where: 'id > 2' });
  expect(found).toMatchObject({ values: [{ value: 'y', rows: 2 }], rows: 2, distinct: 1, least: 'y', exact: true });
});

test('a large table is looked at in part, the most frequent values come first, long ones are cut', () => {
  const found = facetsOf({ table: 'many', column: 'kind' });
  expect(found.rows).toBeLessThanOrEqual(200_000);
  expect(found.exact).toBe(false);
  expect(found.values).toHaveLength(20);
  expect(found.values.map(({ rows }) => rows)).toEqual(found.values.map(({ rows }) => rows).sort((a, b) => b - a));
  const long = facetsOf({ table: 'many', column: 'long', where: 'long IS NOT NULL AND id < 10' });
  expect(long.values).toEqual([{ value: { text: 'z'.repeat(256), bytes: 5000 }, rows: 1 }]);
});

test('no rows have no values; what is no column is refused, and what is no expression', () => {
  expect(facetsOf({ table: 'empty', column: 'a' })).toEqual({
    values: [],
    rows: 0,
    distinct: 0,
    nulls: 0,
    least: null,
    greatest: null,
    exact: true,
  });
  expect(() => facetsOf({ table: 'empty', column: 'b' })).toThrow(/no column "b"/);
  expect(() => facetsOf({ table: 'empty', column: 'a', where: '1); DROP TABLE empty --' })).toThrow();
});
