// Two or three clients, step by step, on real mounts: who waits, for how long, and who never does.
// Runs alone: it measures how long locks take.
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

describe.each(['auto', 'off'] as const)('passthrough %s', (passthrough) => {
  let mount: TempMount;
  let count = 0;

  beforeAll(async () => {
    mount = await tempMount({ passthrough, locks: 'coordinated' });
  });

  afterAll(async () => {
    await mount.close();
  });

  /** A new database with one row, and a way to start clients that have it open. */
  async function withDatabase(
    journal: string,
    use: (open: (timeout?: number) => Promise<SqliteClient>, path: string, onDisk: string) => Promise<void>,
  ) {
    const name = `${count++}.db`;
    const path = join(mount.mountPoint, name);
    await withClients(async (start) => {
      const open = async (timeout = 0) => {
        const client = start();
        expect(await client.open(path, { timeout })).toMatchObject({ error: null });
        return client;
      };
      const maker = await open();
      await maker.run([`PRAGMA journal_mode = ${journal}`, 'CREATE TABLE t (v)', 'INSERT INTO t VALUES (0)']);
      maker.kill();
      await use(open, path, join(mount.dataDir, name));
    });
  }

  const oneWhoWaits = async (path: string) => {
    const shown = (await mount.locks()).databases.find(({ db }) => db === basename(path));
    if (shown === undefined || shown.waiters.length === 0) throw new Error('nobody waits');
    return shown;
  };

  /** What the view shows of this database, once somebody waits for it. */
  const untilSomebodyWaits = (path: string) => eventually(() => oneWhoWaits(path));

  describe.each(['delete', 'truncate', 'persist', 'wal'])('journal %s', (journal) => {
    test('an insert behind an open write transaction waits, and succeeds with the commit', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, other] = [await open(), await open()];
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const insert = other.run('INSERT INTO t VALUES (2)');
        await untilSomebodyWaits(path);
        expect(await writer.run('COMMIT')).toMatchObject({ error: null });
        expect(await insert).toMatchObject({ error: null });
        expect((await other.run('SELECT count(*) FROM t')).rows).toEqual([[3]]);
      }));
  });

  // They mostly wait, each on its own database: together they take the time of the longest.
  describe.concurrent.each(['delete', 'wal'])('journal %s', (journal) => {
    test('fresh clients with timeout 0 behind a writer of 2 seconds all succeed, and so does its COMMIT', () =>
      withDatabase(journal, async (open) => {
        const writer = await open();
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const inserts = [1, 2, 3].map(async (n) => (await open()).run(`INSERT INTO t VALUES (${n})`));
        await sleep(2000); // what is measured: the writer takes its time
        expect(await writer.run('COMMIT')).toMatchObject({ error: null });
        for (const insert of inserts) expect(await insert).toMatchObject({ error: null });
      }));

    test('a writer that never ends: the others are told within 5 seconds and their busy timeout', () =>
      withDatabase(journal, async (open) => {
        const [writer, one, other] = [await open(), await open(), await open(1)];
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const [impatient, patient] = await Promise.all([
          one.run('INSERT INTO t VALUES (2)'),
          other.run('INSERT INTO t VALUES (3)'),
        ]);
        expect(impatient.error).toBe('SQLITE_BUSY');
        expect(impatient.tookMs).toBeLessThan(5000 + 3000);
        expect(patient.error).toBe('SQLITE_BUSY');
        expect(patient.tookMs).toBeLessThan(6000 + 3000);
      }));

    test('SIGSTOP of the writer: the others get their answer, and the view names who holds them up', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, other] = [await open(), await open()];
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        writer.kill('SIGSTOP');
        const insert = other.run('INSERT INTO t VALUES (2)');
        const database = await untilSomebodyWaits(path);
        expect(database.waiters).toMatchObject([{ pid: other.pid, blockedBy: [writer.pid], container: 'host' }]);
        const held = database.holders.find(({ mode, pid }) => pid === writer.pid && mode === 'exclusive');
        expect(held?.lock).toMatch(journal === 'wal' ? /WRITE/ : /RESERVED/);
        expect(held?.command).toMatch(/client\.py/);
        const answer = await insert;
        expect(answer.error).toBe('SQLITE_BUSY');
        expect(answer.tookMs).toBeLessThan(8000);
        writer.kill('SIGCONT');
        expect(await writer.run('COMMIT')).toMatchObject({ error: null });
      }));

    test('100 signals a second do not cost a waiter its turn', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, other] = [await open(), await open()];
        await other.catchSignals('restart');
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const insert = other.run('INSERT INTO t VALUES (2)');
        await untilSomebodyWaits(path);
        const storm = setInterval(() => other.kill('SIGUSR1'), 10);
        await sleep(1000);
        expect(await writer.run('COMMIT')).toMatchObject({ error: null });
        expect(await insert).toMatchObject({ error: null });
        clearInterval(storm);
      }));

    test('while a program on the data directory writes, one that comes to the mount is told busy', () =>
      withDatabase(journal, async (open, path, onDisk) => {
        await withClients(async (start) => {
          const behind = start();
          await behind.open(onDisk);
          await eventually(async () =>
            expect(await behind.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)'])).toMatchObject({ error: null }),
          );
          const newcomer = start();
          await newcomer.open(path);
          expect((await newcomer.run('INSERT INTO t VALUES (2)')).error).toMatch(/^SQLITE_(BUSY|PROTOCOL)$/);
          expect(await behind.run('COMMIT')).toMatchObject({ error: null });
          behind.kill();
          await eventually(async () =>
            expect(await newcomer.run('INSERT INTO t VALUES (2)')).toMatchObject({ error: null }),
          );
        });
        expect(await (await open()).run('PRAGMA integrity_check')).toMatchObject({ rows: [['ok']] });
      }));
  });

  describe.each(['delete', 'wal'])('journal %s', (journal) => {
    test('SIGKILL of the writer lets the next go on at once', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, other] = [await open(), await open()];
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const insert = other.run('INSERT INTO t VALUES (2)');
        await untilSomebodyWaits(path);
        const killedMs = performance.now();
        writer.kill();
        expect(await insert).toMatchObject({ error: null });
        expect(performance.now() - killedMs).toBeLessThan(2000); // 50 ms on a quiet machine, python's death included
      }));

    test('one process with two connections: its other thread is not stopped by the one that waits', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, both] = [await open(), await open()];
        const elsewhere = `${path}.other`;
        await both.open(path, { thread: 'reader' });
        await both.open(elsewhere, { thread: 'elsewhere' });
        await both.run('CREATE TABLE e (v)', 'elsewhere');
        await both.run(['BEGIN', 'SELECT * FROM t'], 'reader');
        await sleep(60); // past the time in which its transaction counts as one that may write
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const insert = both.run('INSERT INTO t VALUES (2)');
        const [commit, other] = await Promise.all([
          both.run('COMMIT', 'reader'),
          both.run('INSERT INTO e VALUES (1)', 'elsewhere'),
        ]);
        expect(commit).toMatchObject({ error: null });
        expect(other).toMatchObject({ error: null });
        expect(Math.max(commit.tookMs, other.tookMs)).toBeLessThan(1000); // 100 ms on a quiet machine
        expect(await writer.run('COMMIT')).toMatchObject({ error: null });
        await insert; // told busy or not: it has not kept the others waiting
      }));

    test('proved readers beside a writer are never held', () =>
      withDatabase(journal, async (open) => {
        const [writer, reader] = [await open(), await open()];
        for (let n = 0; n < 40; n++) await reader.run('SELECT count(*) FROM t');
        const before = (await mount.status()).locks?.gateWaits;
        for (let n = 0; n < 20; n++) {
          await writer.run(['BEGIN IMMEDIATE', `INSERT INTO t VALUES (${n})`]);
          expect(await reader.run('SELECT count(*) FROM t')).toMatchObject({ error: null });
          expect(await writer.run('COMMIT')).toMatchObject({ error: null });
        }
        expect((await mount.status()).locks?.gateWaits).toBe(before);
      }));

    test('a program on the data directory and one on the mount never both hold the write lock', () =>
      withDatabase(journal, async (open, _path, onDisk) => {
        const inside = await open();
        await withClients(async (start) => {
          const behind = start();
          await behind.open(onDisk);
          await inside.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
          expect((await behind.run('BEGIN IMMEDIATE')).error).toMatch(/^SQLITE_(BUSY|PROTOCOL)$/);
          await inside.run('COMMIT');
          if (!mount.passthrough.active) {
            // The two would not see each other's pages: who comes second is kept out for as long as the first is there.
            expect((await behind.run('BEGIN IMMEDIATE')).error).toMatch(/^SQLITE_(BUSY|PROTOCOL)$/);
            inside.kill();
            await eventually(async () => expect(await behind.run('BEGIN IMMEDIATE')).toMatchObject({ error: null }));
            return;
          }
          expect(await behind.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)'])).toMatchObject({ error: null });
          expect((await inside.run('BEGIN IMMEDIATE')).error).toBe('SQLITE_BUSY');
          expect(await behind.run('COMMIT')).toMatchObject({ error: null });
          // What the kernel knew of the journal is corrected within a moment.
          await eventually(async () =>
            expect(await inside.run('INSERT INTO t VALUES (3)')).toMatchObject({ error: null }),
          );
          expect((await inside.run('SELECT count(*) FROM t')).rows).toEqual([[4]]);
        });
      }));

    test('a forked child and its parent take turns', () =>
      withDatabase(journal, async (open, path) => {
        const [parent, writer] = [await open(), await open()];
        await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
        const child = parent.fork(path, 'INSERT INTO t VALUES (2)');
        await untilSomebodyWaits(path);
        await writer.run('COMMIT');
        expect((await child).rows).toEqual([[0]]);
        expect(await parent.run('INSERT INTO t VALUES (3)')).toMatchObject({ error: null });
      }));

    test('VACUUM, the backup API, checkpoints and exclusive mode wait their turn like everybody', () =>
      withDatabase(journal, async (open, path) => {
        const [writer, other] = [await open(), await open()];
        const steps = [
          'VACUUM',
          `VACUUM INTO '${path}.copy'`,
          'PRAGMA wal_checkpoint(TRUNCATE)',
          'PRAGMA integrity_check',
        ];
        for (const step of steps) {
          await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
          const waiting = other.run(step);
          let isOver = false; // what only reads may not have to wait
          void waiting.then(() => {
            isOver = true;
          });
          await eventually(async () => isOver || (await oneWhoWaits(path)));
          expect(await writer.run('COMMIT')).toMatchObject({ error: null });
          expect(await waiting, step).toMatchObject({ error: null });
        }
        if (journal === 'wal') return; // there a switch takes effect when the others have gone
        await other.run(['PRAGMA locking_mode = EXCLUSIVE', 'INSERT INTO t VALUES (2)']);
        const insert = writer.run('INSERT INTO t VALUES (3)');
        await untilSomebodyWaits(path);
        await other.run(['PRAGMA locking_mode = NORMAL', 'SELECT * FROM t']);
        expect(await insert).toMatchObject({ error: null });
      }));
  });

  test('two databases attached in opposite order: nobody hangs, and at least one commits', () =>
    withDatabase('delete', async (open, path) => {
      const [one, other] = [await open(), await open()];
      await one.run([`ATTACH '${path}.b' AS b`, 'CREATE TABLE b.u (v)']);
      await other.run(`ATTACH '${path}.b' AS b`);
      await Promise.all([
        one.run(['BEGIN', 'INSERT INTO main.t VALUES (1)']),
        other.run(['BEGIN', 'INSERT INTO b.u VALUES (1)']),
      ]);
      const finish = async (client: SqliteClient, sql: string) => {
        const write = await client.run(sql);
        expect(write.tookMs).toBeLessThan(5000);
        const end = await client.run(write.error === null ? 'COMMIT' : 'ROLLBACK');
        expect(end.error).toBeNull();
        return write.error;
      };
      const errors = await Promise.all([
        finish(one, 'INSERT INTO b.u VALUES (2)'),
        finish(other, 'INSERT INTO main.t VALUES (2)'),
      ]);
      expect(errors).toContain(null);
    }));

  test('a change of the journal mode waits for nobody and is told busy while the database is in use', () =>
    withDatabase('wal', async (open) => {
      const [one, other] = [await open(), await open()];
      await other.run(['BEGIN', 'SELECT * FROM t']);
      const refused = await one.run('PRAGMA journal_mode = DELETE');
      expect(refused.error).toBe('SQLITE_BUSY');
      expect(refused.tookMs).toBeLessThan(2000);
      await other.run('COMMIT');
    }));
});
