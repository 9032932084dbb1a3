// Text in double quotes, which SQLite takes for a name where there is one. What it means is asked of SQLite itself.
import { afterAll, describe, expect, test } from 'vitest';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

describe('"text" is what SQLite says it is', () => {
  const shop = new GuardedDatabase(`
    CREATE TABLE o (id INTEGER, name TEXT, status TEXT); INSERT INTO o VALUES (1, 'one', 'done');
    CREATE TABLE log (msg TEXT);
  `);
  afterAll(() => shop.close());

  test.each<[string, unknown[][]]>([
    [`SELECT count(*) FROM o WHERE "status"='done' UNION ALL SELECT count(*) FROM log WHERE msg="status"`, [[1], [0]]],
    [
      'SELECT "id","name" UNION ALL SELECT "id","name" FROM o',
      [
        ['id', 'name'],
        [1, 'one'],
      ],
    ],
    ['SELECT count(*) FROM o WHERE status = "pending"', [[0]]],
    ['SELECT count(*) FROM o WHERE status = "done"', [[1]]],
    [`SELECT "it's" || "a ""quote"""`, [['it\'sa "quote"']]],
  ])('%s', (sql, rows) => {
    expect(shop.sql(sql)).toMatchObject({ code: 'ran', rows });
    const named = shop.query(sql);
    expect(named.code).toBe('ran');
  });

  test('in triggers, views and indexes that a native program made, for SQL and for the server', () => {
    shop.connection.database.exec(`
      CREATE TRIGGER noted AFTER INSERT ON kv_store BEGIN INSERT INTO log VALUES ("noted"); END;
      CREATE VIEW open AS SELECT * FROM o WHERE status <> "done";
    `);
    shop.reopen();
    expect(shop.sql(`INSERT INTO kv_store(key, value) VALUES ('a', 1)`).code).toBe('ran');
    shop.connection.database.exec(`INSERT INTO kv_store(key, value) VALUES ('b', 1)`);
    expect(shop.sql('SELECT msg FROM log').rows).toEqual([['noted'], ['noted']]);
    expect(shop.query('SELECT count(*) FROM open').rows).toEqual([[0]]);
    expect(shop.sql('CREATE INDEX pending ON o (id) WHERE status = "pending"').code).toBe('ran');
  });
});
