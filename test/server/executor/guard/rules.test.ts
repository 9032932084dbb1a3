// What SQL of a user may do, asked of SQLite itself through everything that stands before it.
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ruleFor } from '../../../../server/executor/guard/rules.ts';
import { GuardedDatabase, someTables } from '../../../helpers/guarded-database.ts';

const db = new GuardedDatabase(someTables);
const log = 'SELECT count(*) FROM "hoody:kv_log:kv_store"';
const triggers = `SELECT count(*) FROM sqlite_master WHERE type = 'trigger'`;

afterAll(() => db.close());

beforeEach(() => {
  expect(db.connection.database.inTransaction).toBe(false);
});

/** Everything that SQLite skips between tokens, the byte order mark among it. */
const gap = fc
  .array(
    fc.constantFrom(
      ' ',
      '\t',
      '\n',
      '\f',
      '\r',
      ' \v',
      '\ufeff',
      '/* ; */',
      '/**/',
      '-- x\n',
      '/*\ufeff*/',
      '\ufeff\ufeff',
    ),
    {
      maxLength: 5,
    },
  )
  .map((parts) => parts.join(''));

const forbidden = [
  "ATTACH 'other.db' AS x",
  "ATTACH DATABASE 'file:other.db?mode=rwc' AS x",
  'DETACH main',
  'VACUUM',
  "VACUUM INTO 'other.db'",
  'BEGIN',
  'BEGIN EXCLUSIVE',
  'COMMIT',
  'END TRANSACTION',
  'ROLLBACK',
  'SAVEPOINT s',
  'RELEASE item',
  'ROLLBACK TO item',
  'PRAGMA query_only=ON',
  'PRAGMA main.query_only(1)',
  'PRAGMA writable_schema=ON',
  'PRAGMA journal_mode=OFF',
  'PRAGMA journal_mode(memory)',
  "PRAGMA schema_version=''",
  'PRAGMA max_page_count(1)',
  "PRAGMA temp_store_directory='/tmp'",
  "PRAGMA data_store_directory='/tmp'",
  "SELECT load_extension('x')",
  "SELECT fts3_tokenizer('simple', x'00')",
  "SELECT * FROM pragma_module_list, (SELECT load_extension('x'))",
  'CREATE VIRTUAL TABLE d USING dbstat',
  'EXPLAIN COMMIT',
];

/** The guard itself, where nothing has looked at the words before. */
const notAllowed = /not allowed here|can only be read here|cannot VACUUM/;

describe('forbidden statements', () => {
  test('are refused with any space, comment or byte order mark before them, and between their words', () => {
    fc.assert(
      fc.property(fc.constantFrom(...forbidden), gap, gap, fc.boolean(), (statement, before, between, isLower) => {
        const words = (isLower ? statement.toLowerCase() : statement).split(' ');
        const sql = before + words.join(` ${between}`);
        const settings = db.rows('PRAGMA query_only');
        expect(db.sql('SELECT 1', sql)).toMatchObject({ code: 'SQL_ERROR', rows: [] });
        expect(db.sql(`SELECT 1; ${sql}; SELECT 2`)).toMatchObject({ code: 'SQL_ERROR' });
        expect(db.query(sql).code).toMatch(/^(INVALID_PARAMETERS|SQL_ERROR)$/);
        for (const who of ['sql', 'query'] as const) expect(() => db.run(who, sql)).toThrow(notAllowed);
        expect(db.strangers()).toEqual([]);
        expect(db.rows('PRAGMA query_only')).toEqual(settings);
        expect(db.rows('PRAGMA database_list')).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });

  test('say what is not allowed and why', () => {
    expect(db.sql("ATTACH 'x' AS y").message).toBe('ATTACH is not allowed here: one request works on one database');
    expect(db.sql('PRAGMA writable_schema=0').message).toBe('PRAGMA writable_schema is not allowed here');
    expect(db.sql('PRAGMA max_page_count=512').message).toBe('PRAGMA max_page_count can only be read here');
    expect(db.sql("SELECT load_extension('x')").message).toBe('the function load_extension is not allowed here');
  });
});

describe("settings that are the server's to make", () => {
  const ignored = [
    'busy_timeout',
    'cache_size',
    'temp_store',
    'mmap_size',
    'journal_size_limit',
    'wal_autocheckpoint',
    'locking_mode',
  ];

  test.each(ignored)('PRAGMA %s is answered, and nothing is set, however it is spelled', (name) => {
    const before = db.rows(`PRAGMA ${name}`);
    for (const sql of [
      `PRAGMA ${name}=2`,
      `pragma main.${name}(1)`,
      `PRAGMA "${name}" = 'x'`,
      `\ufeffPRAGMA/**/[${name}]=1`,
    ]) {
      expect([sql, db.sql('SELECT 1', sql, 'SELECT 2').code]).toEqual([sql, 'ran']);
      expect(() => db.run('sql', sql)).toThrow('can only be read here');
    }
    expect(db.sql(`PRAGMA ${name}`).rows).toEqual(before.map((row) => [...row]));
    expect(db.rows(`PRAGMA ${name}`)).toEqual(before);
    expect(db.connection.isTainted).toBe(false);
  });

  test('are no reason to wait for a writer', () => {
    const writer = new Database(db.path);
    try {
      writer.exec('BEGIN IMMEDIATE');
      expect(db.sql('PRAGMA busy_timeout=1', 'SELECT 1', 'PRAGMA temp_store=2; PRAGMA cache_size=3').code).toBe('ran');
    } finally {
      writer.close();
    }
  });
});

describe('everything else goes on', () => {
  test("the server's triggers write the log when SQL of a user fires them, directly and through the user's triggers", () => {
    const before = Number(db.rows(log)[0]?.[0]);
    expect(
      db.sql(
        `CREATE TRIGGER mirror AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO kv_store(key, value) VALUES (NEW.a, "set"); END`,
        `INSERT INTO t(a) VALUES ('mirrored')`,
        `UPDATE kv_store SET value = 2 WHERE key = 'mirrored'`,
        `DELETE FROM kv_store WHERE key = 'mirrored'`,
        'DROP TRIGGER mirror',
      ),
    ).toMatchObject({ code: 'ran' });
    expect(db.rows(log)).toEqual([[before + 3]]);
  });

  test("a user's trigger on a KV table runs when the server writes it", () => {
    db.sql(
      'CREATE TABLE seen (key, what)',
      'CREATE TRIGGER watch AFTER INSERT ON kv_store BEGIN INSERT INTO seen VALUES (NEW.key, "made"); END',
    );
    db.connection.database.exec(`INSERT INTO kv_store(key, value) VALUES ('watched', 1)`);
    expect(db.sql('SELECT * FROM seen').rows).toEqual([['watched', 'made']]);
    db.sql('DROP TRIGGER watch', 'DROP TABLE seen');
  });

  test('the history view of a KV table can be read and counted', () => {
    const rows = db.sql('SELECT key FROM kv_store_history').rows.length;
    expect(db.query('SELECT count(*) FROM kv_store_history').rows).toEqual([[rows]]);
    expect(db.query('SELECT count(*) FROM kv_store_history a, kv_store_history b').rows).toEqual([[rows * rows]]);
    expect(db.query('WITH h AS (SELECT * FROM kv_store_history) SELECT count(*) FROM h').rows).toEqual([[rows]]);
  });

  test('tables with AUTOINCREMENT are filled, renamed and dropped, and a KV table goes with its triggers', () => {
    expect(
      db.sql(
        'CREATE TABLE more (id INTEGER PRIMARY KEY AUTOINCREMENT, a)',
        'INSERT INTO more(a) VALUES (1)',
        'ALTER TABLE more RENAME TO most',
        'ALTER TABLE most RENAME COLUMN a TO b',
        'ALTER TABLE most DROP COLUMN b',
        'DROP TABLE most',
      ),
    ).toMatchObject({ code: 'ran' });
    for (const who of ['sql', 'query'] as const) {
      expect(() => db.run(who, "DELETE FROM 'sqlite_sequence'")).toThrow('belongs to the server');
    }
    const other = new GuardedDatabase();
    expect(other.sql('ALTER TABLE kv_store ADD COLUMN more', 'DROP TABLE kv_store').code).toBe('ran');
    expect(other.rows(triggers)).toEqual([[0]]);
    other.close();
  });

  test.each(['fts3', 'fts4', 'fts5', 'rtree', 'geopoly'])(
    'a virtual table of %s is made, written, read and dropped',
    (name) => {
      const columns = name === 'rtree' ? 'id, low, high' : 'a, b, c';
      const made = db.sql(
        `CREATE VIRTUAL TABLE v_${name} USING ${name}(${columns})`,
        name === 'geopoly' ? 'SELECT 1' : `INSERT INTO v_${name} VALUES (1, 2, 3)`,
      );
      expect(made).toMatchObject({ code: 'ran' });
      // A new connection reads it first in GET /query: SQLite prepares its writes then.
      db.reopen();
      expect(db.query(`SELECT * FROM v_${name}`)).toMatchObject({ code: 'ran' });
      expect(db.sql(`DROP TABLE v_${name}`).code).toBe('ran');
    },
  );

  test.each([
    'SELECT name FROM pragma_table_info("t")',
    "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.name = 't'",
    'SELECT journal_mode FROM pragma_journal_mode',
    "SELECT value FROM json_each('[1, 2]')",
    'SELECT sum(pgsize) FROM dbstat',
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3) SELECT x, row_number() OVER () FROM c',
  ])('GET /query answers %s', (sql) => {
    expect(db.query(sql)).toMatchObject({ code: 'ran', rows: expect.arrayContaining([expect.anything()]) });
  });

  test('GET /query writes nothing', () => {
    for (const name of ['user_version', 'application_id']) {
      expect(db.query(`SELECT * FROM pragma_${name}`)).toMatchObject({ code: 'ran' });
      expect(() => db.run('query', `PRAGMA ${name}=7`)).toThrow(`PRAGMA ${name} can only be read here`);
    }
    for (const sql of ['WITH c AS (SELECT 1) SELECT * FROM c', "\ufeffINSERT INTO t(a) VALUES ('q') RETURNING *"])
      db.query(sql);
    expect(db.sql("SELECT * FROM t WHERE a = 'q'").rows).toEqual([]);
  });
});

test("raw pages are nobody's, also where SQLite is built with a table of them", () => {
  for (const operation of ['READ', 'INSERT', 'UPDATE', 'DELETE'] as const) {
    expect(ruleFor(operation, 'SQLITE_DBPAGE', '')?.allowed).toEqual([]);
  }
});

describe('what stays on the connection marks it', () => {
  test.each([
    'CREATE TEMP TABLE kept (a)',
    'CREATE TABLE temp.kept (a)',
    'CREATE TABLE "TEMP".kept (a)',
    '\ufeffCREATE /**/ TEMPORARY VIEW kept AS SELECT 1',
    'CREATE TEMP TRIGGER kept AFTER INSERT ON kv_store BEGIN DELETE FROM kv_store; END',
    'PRAGMA recursive_triggers=ON',
    'PRAGMA foreign_keys(1)',
    'PRAGMA secure_delete=ON',
    'PRAGMA legacy_alter_table=ON',
    'PRAGMA synchronous=OFF',
  ])('%s', (sql) => {
    db.reopen();
    expect(db.sql(sql).code).toBe('ran');
    expect(db.connection.isTainted).toBe(true);
    db.reopen();
  });

  test.each([
    'CREATE TABLE fresh (a)',
    'DROP TABLE fresh',
    'INSERT INTO t(a) VALUES (1)',
    'PRAGMA foreign_keys',
    'PRAGMA user_version=1',
    'PRAGMA cache_size=-100',
    'PRAGMA wal_checkpoint(TRUNCATE)',
    'SELECT "temp" FROM t',
  ])('not %s', (sql) => {
    expect(db.sql(sql).code).toBe('ran');
    expect(db.connection.isTainted).toBe(false);
  });
});
