// What SQL over HTTP does under the write lock beyond what its statements need.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Connection } from '../../../../server/executor/connection.ts';
import { openTable } from '../../../../server/executor/kv/table/table.ts';
import { runTransaction } from '../../../../server/executor/sql/transaction.ts';

const directory = mkdtempSync(join(tmpdir(), 'hoody-sqlite-lock-'));
const path = join(directory, 'tables.db');

beforeAll(() => {
  withConnection((connection) => {
    connection.database.exec('PRAGMA journal_mode=WAL; BEGIN; CREATE TABLE plain(a)');
    for (let n = 0; n < 150; n += 1) openTable(connection, `kv_${n}`);
    connection.database.exec('COMMIT');
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

function withConnection(use: (connection: Connection) => void): void {
  const connection = new Connection(new Database(path), path, '');
  try {
    use(connection);
  } finally {
    connection.close();
  }
}

test.each(['INSERT INTO plain VALUES (1)', 'CREATE TABLE another(a)'])(
  'the first write of a connection looks at 150 KV tables before it takes the lock: %s',
  (statement) => {
    withConnection((connection) => {
      const { database } = connection;
      // Counted and not timed: on a new connection each look at a table prepares statements of its own.
      let prepared = 0;
      const [exec, prepare] = [database.exec.bind(database), database.prepare.bind(database)];
      database.exec = (sql) => {
        exec(sql);
        if (sql === 'BEGIN IMMEDIATE') prepared = 0;
        return database;
      };
      database.prepare = ((sql: string) => {
        prepared += 1;
        return prepare(sql);
      }) as typeof database.prepare;
      let underLock = Number.NaN;
      connection.prepareFor(Date.now(), 1_000, (phase) => {
        if (phase === 'committing') underLock = prepared;
      });
      const body = Buffer.from(JSON.stringify({ transaction: [{ statement }] }));
      expect(runTransaction(connection, body, '127.0.0.1').error).toBe(null);
      expect(underLock).toBeLessThan(10); // 160 where the tables are looked at now
    });
  },
);
