// What history costs: the same overwrites with history=true and history=false, values of 100 B and 4 KB, time and
// bytes. Runs the store's own operations on a database file, as an executor does: synchronous FULL, one commit a group
// of writes. CPU is the time of this process, kernel included: on a busy machine it says more than the clock. Usage:
// npm run build && node test/bench/kv-history.mjs
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Connection } from '../../dist/server/executor/connection.js';
import { kvSet } from '../../dist/server/executor/kv/store/store.js';

const rounds = 5;
const keys = 500;
const writes = 4000;

/** Overwrites `keys` keys evenly; answers seconds and the size of the file afterwards. */
function measure(valueBytes, groupSize, history) {
  const directory = mkdtempSync(join(tmpdir(), 'hoody-kv-history-'));
  const path = join(directory, 'bench.db');
  const database = new Database(path);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF');
  const connection = new Connection(database, path, '');
  connection.prepareFor(Date.now(), 5000, () => {});
  const write = (n, isRecorded) => {
    // Values that differ each time: an equal one would not be stored at all.
    const body = Buffer.alloc(valueBytes, String(n).padStart(10, '0'));
    const key = `user:${n % keys}`;
    kvSet.run(connection, {
      table: 'kv_store',
      key,
      history: isRecorded,
      clientIp: '127.0.0.1',
      conditions: {},
      body,
      ttlSeconds: 0,
    });
  };
  const group = database.transaction((from, count, isRecorded) => {
    for (let n = from; n < from + count; n += 1) write(n, isRecorded);
  });
  group.immediate(0, keys, true);
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  for (let n = keys; n < keys + writes; n += groupSize) group.immediate(n, groupSize, history);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = statSync(path).size;
  rmSync(directory, { recursive: true });
  return { seconds, cpuSeconds: (user + system) / 1e6, bytes };
}

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];

for (const valueBytes of [100, 4096]) {
  for (const groupSize of [1, 64]) {
    const results = Array.from({ length: rounds }, () => ({
      off: measure(valueBytes, groupSize, false),
      on: measure(valueBytes, groupSize, true),
    }));
    const time = median(results.map(({ on, off }) => on.seconds / off.seconds));
    const cpu = median(results.map(({ on, off }) => on.cpuSeconds / off.cpuSeconds));
    const { on, off } = results[0];
    const oldValueBytes = writes * valueBytes;
    const beyond = on.bytes - off.bytes - (writes - keys) * valueBytes;
    process.stdout.write(
      `${valueBytes} B values, ${groupSize} writes a commit: time x ${time.toFixed(2)} ` +
        `(${((on.seconds / writes) * 1e6).toFixed(0)} us a write), CPU x ${cpu.toFixed(2)} ` +
        `(${((median(results.map((result) => result.on.cpuSeconds)) / writes) * 1e6).toFixed(0)} us), ` +
        `space ${on.bytes} against ${off.bytes}: ${((100 * beyond) / oldValueBytes).toFixed(1)} % beyond the old values\n`,
    );
  }
}
