// The tables and triggers that the server keeps for itself in every database: out of reach of SQL, however they are
// named.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { GuardedDatabase, someTables } from '../../../helpers/guarded-database.ts';

const db = new GuardedDatabase(someTables);
const log = 'SELECT count(*) FROM "hoody:kv_log:kv_store"';
const triggers = `SELECT count(*) FROM sqlite_master WHERE type = 'trigger'`;

/** What no statement of a user may change. */
function untouched(): unknown {
  return [
    db.rows(log),
    db.rows(triggers),
    db.rows('SELECT * FROM sqlite_sequence'),
    db.rows('PRAGMA database_list').length,
  ];
}

afterAll(() => db.close());

beforeEach(() => {
  expect(db.connection.database.inTransaction).toBe(false);
});

const quotes: ((name: string) => string)[] = [
  (name) => `"${name}"`,
  (name) => `'${name}'`,
  (name) => `[${name}]`,
  (name) => `\`${name}\``,
];
const schemas = ['', 'main.', '"main".', "'main'.", '[MAIN].', 'main/**/.\ufeff'];
const ownTables = [
  'hoody:kv_log:kv_store',
  'hoody:kv_meta',
  'hoody:kv_keys:kv_store',
  'HOODY:KV_LOG:KV_STORE',
  'sqlite_sequence',
];
const onTables: ((table: string) => string)[] = [
  (table) => `SELECT * FROM ${table}`,
  (table) => `SELECT count(*) FROM ${table}`,
  (table) => `SELECT 1 FROM t, ${table}`,
  (table) => `SELECT * FROM t JOIN ${table} ON 1`,
  (table) => `SELECT * FROM (t, (${table}))`,
  (table) => `SELECT (SELECT 1 FROM ${table} LIMIT 1)`,
  (table) => `SELECT 1 WHERE 1 IN ${table}`,
  (table) => `WITH c AS (SELECT * FROM ${table}) SELECT * FROM c`,
  (table) => `WITH 'hoody:kv_c' AS (SELECT * FROM ${table}) SELECT * FROM 'hoody:kv_c'`,
  (table) => `UPDATE OR IGNORE ${table} SET rowid = 1`,
  (table) => `UPDATE t SET a = 1 FROM ${table}`,
  (table) => `DELETE FROM ${table}`,
  (table) => `INSERT OR REPLACE INTO ${table} DEFAULT VALUES`,
  (table) => `REPLACE INTO ${table} DEFAULT VALUES`,
  (table) => `INSERT INTO t(a) SELECT 1 FROM ${table}`,
  (table) => `CREATE TABLE copy AS SELECT * FROM ${table}`,
  (table) => `EXPLAIN DELETE FROM ${table}`,
  (table) => `WITH c AS (SELECT 1) DELETE FROM ${table}`,
];
const onDefinitions: ((table: string) => string)[] = [
  (table) => `DROP TABLE ${table}`,
  (table) => `DROP TABLE IF EXISTS ${table}`,
  (table) => `ALTER TABLE ${table} RENAME TO stolen`,
  (table) => `ALTER TABLE ${table} ADD COLUMN z`,
];

describe("the server's own tables", () => {
  test('are out of reach, however their names are quoted', () => {
    const before = untouched();
    for (const makes of [...onTables, ...onDefinitions]) {
      for (const table of ownTables) {
        // SQLite itself refuses to define what is named sqlite_*.
        if (table === 'sqlite_sequence' && onDefinitions.includes(makes)) continue;
        for (const quote of quotes) {
          for (const schema of schemas) {
            const sql = makes(schema + quote(table));
            expect([sql, db.sql(sql).code]).toEqual([sql, expect.stringMatching(/^(CONFLICT|SQL_ERROR)$/)]);
            expect([sql, db.query(sql).code === 'ran']).toEqual([sql, false]);
            expect(() => db.run('sql', sql), sql).toThrow(/belongs to|not be/);
          }
        }
      }
    }
    expect(untouched()).toEqual(before);
  });

  test.each(
    quotes.flatMap((quote) => [
      `DROP TRIGGER ${quote('hoody:kv_insert:kv_store')}`,
      `DROP INDEX ${quote('hoody:kv_log_index:kv_store')}`,
      `CREATE TRIGGER ${quote('hoody:kv_mine')} AFTER INSERT ON t BEGIN SELECT 1; END`,
      `CREATE TEMP TRIGGER ${quote('Hoody:kv_mine')} AFTER INSERT ON t BEGIN SELECT 1; END`,
      `CREATE TRIGGER mine AFTER INSERT ON ${quote('hoody:kv_meta')} BEGIN SELECT 1; END`,
      `CREATE TRIGGER mine AFTER INSERT ON t BEGIN DELETE FROM ${quote('hoody:kv_meta')}; END`,
      `CREATE INDEX mine ON ${quote('hoody:kv_meta')} (id)`,
      `CREATE VIEW ${quote('hoody:kv_view')} AS SELECT 1`,
      `CREATE TABLE ${quote('hoody:kv_log:other')} (a)`,
      `CREATE VIRTUAL TABLE ${quote('hoody:kv_log:other')} USING fts5(a)`,
      `ALTER TABLE t RENAME TO ${quote('hoody:kv_log:other')}`,
    ]),
  )('%s is a conflict', (sql) => {
    const before = untouched();
    expect(db.sql(sql)).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('belongs to the server') });
    expect(untouched()).toEqual(before);
  });

  test('a trigger that a native program made cannot write them for the user, and does not stand for the server', () => {
    db.connection.database.exec(
      `CREATE TRIGGER native AFTER INSERT ON t BEGIN DELETE FROM "hoody:kv_log:kv_store"; END`,
    );
    const before = untouched();
    expect(db.sql('INSERT INTO t(a) VALUES (1)').code).toBe('CONFLICT');
    expect(() => db.connection.database.exec('INSERT INTO t(a) VALUES (1)')).toThrow('not authorized');
    expect(untouched()).toEqual(before);
    db.connection.database.exec('DROP TRIGGER native');
  });

  test('a CTE that is called as a trigger of the server reads no more than its user, whatever its words look like', () => {
    const [[trigger]] = db.rows(`SELECT name FROM sqlite_master WHERE type = 'trigger'`) as [[string]];
    const refused = /not allowed here|can only be read here|belongs to the server/;
    for (const name of ['hoody:kv_x', trigger]) {
      for (const source of ['"hoody:kv_log:kv_store"', '"hoody:kv_meta"', 'sqlite_sequence']) {
        const cte = `WITH "${name}" AS MATERIALIZED (SELECT * FROM ${source})`;
        for (const who of ['sql', 'query'] as const) {
          expect(() => db.run(who, `${cte} SELECT * FROM "${name}"`), `${who} ${cte}`).toThrow(refused);
        }
        expect(db.sql(`${cte} SELECT * FROM "${name}"`).code, cte).toMatch(/^(CONFLICT|SQL_ERROR)$/);
      }
      const writing = `WITH "${name}" AS MATERIALIZED (SELECT * FROM sqlite_sequence)
        INSERT INTO t (a) SELECT seq FROM "${name}"`;
      expect(() => db.run('sql', writing)).toThrow(refused);
    }
  });
});
