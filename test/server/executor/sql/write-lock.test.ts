// How long SQL over HTTP keeps the write lock beyond what its statements need.
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
      // Processor time and not the clock: what other processes of a busy machine take is not ours.
      let began = process.cpuUsage();
      let heldMs = Number.NaN;
      const exec = database.exec.bind(database);
      database.exec = (sql) => {
        exec(sql);
        if (sql === 'BEGIN IMMEDIATE') began = process.cpuUsage();
        return database;
      };
      connection.prepareFor(Date.now(), 1_000, (phase) => {
        if (phase !== 'committing') return;
        const { user, system } = process.cpuUsage(began);
        heldMs = (user + system) / 1000;
      });
      const body = Buffer.from(JSON.stringify({ transaction: [{ statement }] }));
      expect(runTransaction(connection, body, '127.0.0.1').error).toBe(null);
      expect(heldMs).toBeLessThan(160);
    });
  },
);
