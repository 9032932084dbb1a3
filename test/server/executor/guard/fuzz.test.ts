// 10,000 random statements go straight to SQLite, past every check of words: the guard alone has to hold.
// HOODY_FUZZ_SEED repeats a run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import type { Who } from '../../../../server/executor/guard/rules.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';
import { SqlGrammar } from '../../../helpers/sql-grammar.ts';

const statements = 10_000;
const seed = Number(process.env.HOODY_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));

const schema = `
  CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b UNIQUE);
  CREATE TABLE u (a, b, id);
  CREATE TABLE made_1 (a, b, id);
  CREATE VIEW made_2 AS SELECT * FROM u;
  CREATE TRIGGER made_3 INSTEAD OF DELETE ON made_2 BEGIN DELETE FROM made_1; END;
  INSERT INTO t VALUES (1, 2, 3); INSERT INTO u VALUES (1, 2, 3);
  INSERT INTO kv_store (key, value) VALUES ('a', 1);
`;
const elsewhere = mkdtempSync(join(tmpdir(), 'hoody-sqlite-elsewhere-'));
const neighbour = join(elsewhere, 'neighbour.db');
const other = new Database(neighbour);
other.exec("CREATE TABLE secret (a); INSERT INTO secret VALUES ('kept')");
other.close();
const pristine = readFileSync(neighbour);

const db = new GuardedDatabase(schema);
const names = {
  tables: [
    't',
    'u',
    't',
    'u',
    'kv_store',
    'made_1',
    'made_2',
    'hoody:kv_log:kv_store',
    'hoody:kv_meta',
    'sqlite_sequence',
    'sqlite_master',
    'kv_store_history',
  ],
  columns: ['a', 'a', 'a', 'b', 'b', 'id', 'rowid', 'key', 'NEW.a', 'hoody:kv_x'],
  files: [neighbour, join(elsewhere, 'new.db'), join(db.folder, 'new.db'), 'new.db', `file:${neighbour}?mode=rw`, ''],
};

afterAll(() => {
  db.close();
  rmSync(elsewhere, { recursive: true, force: true });
});

const settings = [
  'foreign_keys',
  'query_only',
  'journal_mode',
  'synchronous',
  'cache_size',
  'locking_mode',
  'temp_store',
  'writable_schema',
  'recursive_triggers',
  'ignore_check_constraints',
  'trusted_schema',
  'mmap_size',
  'busy_timeout',
  'wal_autocheckpoint',
  'secure_delete',
  'legacy_alter_table',
  'cell_size_check',
  'read_uncommitted',
  'automatic_index',
  'reverse_unordered_selects',
  'analysis_limit',
  'threads',
  'hard_heap_limit',
  'soft_heap_limit',
  'journal_size_limit',
  'cache_spill',
  'fullfsync',
  'max_page_count',
  'auto_vacuum',
];
const settingsSql = settings.map((name) => [name, `PRAGMA ${name}`] as const);

function settingsNow(): unknown {
  return [
    settingsSql.map(([name, sql]) => [name, db.rows(sql)]),
    db
      .rows('PRAGMA database_list')
      .map(([, name]) => name)
      .filter((name) => name !== 'temp'),
    db.rows('SELECT name FROM sqlite_temp_master'),
  ];
}

/**
 * What is the server's own. The rest of the log may grow, through its triggers, and the triggers go with their table.
 */
function ownThings(): unknown {
  return [
    db.rows('SELECT * FROM "hoody:kv_meta"'),
    db.rows('SELECT * FROM "hoody:kv_log:kv_store" WHERE seq = 1'),
    db.rows(`SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name LIKE 'hoody:kv_%' ORDER BY name`),
  ];
}

/** 'ran', or the code of what was thrown. */
function run(who: Who, sql: string): string {
  try {
    db.run(who, sql);
    return 'ran';
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  }
}

test(`no statement of seed ${seed} leaves its database, its transaction or its connection`, {
  timeout: 120_000,
}, () => {
  const grammar = new SqlGrammar(seed, names);
  const counts: Record<string, number> = {};
  const before = settingsNow();
  const own = ownThings();
  for (let index = 0; index < statements; index += 1) {
    const sql = grammar.statement();
    const who = index % 4 === 3 ? 'query' : 'sql';
    // Only pragmas run before BEGIN, at the head of a request.
    const isInside = who === 'sql' && (index % 2 === 0 || !/^\s*PRAGMA/i.test(sql));
    if (who === 'query') db.connection.database.pragma('query_only=ON');
    if (isInside) db.connection.database.exec('BEGIN IMMEDIATE; SAVEPOINT outer');
    const code = run(who, sql);
    if (who === 'query') db.connection.database.pragma('query_only=OFF');
    const at = `seed ${seed}, statement ${index} (${who}): ${JSON.stringify(sql)} -> ${code}`;
    const { inTransaction } = db.connection.database;
    // OR ROLLBACK ends the transaction where a constraint fails, and RAISE(ROLLBACK) in a trigger.
    if (!(isInside && /ROLLBACK/i.test(sql) && code.startsWith('SQLITE_CONSTRAINT'))) {
      expect(inTransaction, at).toBe(isInside);
    }
    expect(ownThings(), at).toEqual(own);
    if (inTransaction) db.connection.database.exec('ROLLBACK TO outer; ROLLBACK');
    if (db.connection.isTainted) db.reopen();
    else if (code === 'ran' || index % 10 === 0) expect(settingsNow(), at).toEqual(before);
    expect(db.strangers(), at).toEqual([]);
    if (index % 100 === 0) {
      expect(readFileSync(neighbour).equals(pristine), at).toBe(true);
      expect(readdirSync(elsewhere), at).toEqual(['neighbour.db']);
    }
    counts[code] = (counts[code] ?? 0) + 1;
  }
  // Otherwise it would have proved little.
  expect(counts.ran, JSON.stringify(counts)).toBeGreaterThan(statements / 8);
  expect((counts.SQL_ERROR ?? 0) + (counts.CONFLICT ?? 0)).toBeGreaterThan(statements / 8);
});
