// What history costs a write: the statements of a put with its triggers and its log row, against the same UPDATE after
// the triggers are dropped. CPU time of this process, the kernel's included; 100 writes a commit, synchronous OFF.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Connection } from '../../../dist/server/executor/connection.js';
import { completeLog } from '../../../dist/server/executor/kv/store/log-row.js';
import { overwriteValue, replaceValue } from '../../../dist/server/executor/kv/store/write.js';
import { openTable } from '../../../dist/server/executor/kv/table/table.js';

const keys = 1000;
const commits = 40;
const writesPerCommit = 100;

/** Medians of so many rounds, in microseconds a write. */
export function historyCost(rounds) {
  const pairs = Array.from({ length: rounds }, () => ({ with: measure(true), without: measure(false) }));
  const plainUs = median(pairs.map((pair) => pair.without));
  return { plainUs, historyUs: median(pairs.map((pair) => pair.with - pair.without)) };
}

function measure(hasHistory) {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));
  const database = new Database(join(folder, 'bench.db'));
  try {
    database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF');
    const connection = new Connection(database, join(folder, 'bench.db'), '');
    connection.prepareFor(Date.now(), 5000, () => {});
    const table = openTable(connection, 'kv_store');
    const writer = { connection, table, isRecorded: true, clientIp: '127.0.0.1' };
    let count = 0;
    const next = () => {
      const value = { value: String(count).padStart(80, '0'), contentType: 'text/plain', expireAt: null };
      return [`user:${count++ % keys}`, value];
    };
    const inCommits = (number, write) => {
      const commit = database.transaction(() => {
        for (let n = 0; n < writesPerCommit; n += 1) write(...next());
      });
      for (let n = 0; n < number; n += 1) commit.immediate();
    };
    inCommits(2 * (keys / writesPerCommit), (key, value) => overwriteValue(writer, key, value, { op: 'SET' }));
    if (!hasHistory) {
      const triggers = database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all();
      for (const name of triggers) database.exec(`DROP TRIGGER "${name}"`);
    }
    const write = (key, value) => {
      replaceValue(writer, key, value);
      if (hasHistory) completeLog(writer, key, { op: 'SET' });
    };
    inCommits(10, write);
    const before = process.cpuUsage();
    inCommits(commits, write);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (commits * writesPerCommit);
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
