// Backup and restore while clients write: what is saved is one moment, what is restored never mixes with anything.
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Started, start } from '../helpers/process.ts';

const sizeMiB = process.env.HOODY_SQLITE_SOAK ? 1024 : 24;
const accounts = 100;
const total = accounts * 1000;

/** Moves money for ever: the sum over all accounts is the same at every moment, and `moves` counts the transactions. */
const mover = (path: string) => `
import sqlite3, random
connection = sqlite3.connect(${JSON.stringify(path)}, timeout=60, isolation_level=None)
while True:
    a, b = random.sample(range(${accounts}), 2)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE account SET money = money - 1 WHERE id = ?", (a,))
    connection.execute("UPDATE account SET money = money + 1 WHERE id = ?", (b,))
    connection.execute("UPDATE moves SET n = n + 1")
    connection.execute("COMMIT")
    print("moved", flush=True)
`;

function makeBank(path: string, journal: string, pageBytes = 4096): void {
  const db = new Database(path);
  db.pragma(`page_size = ${pageBytes}`);
  db.pragma(`journal_mode = ${journal}`);
  db.exec(
    'CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER); CREATE TABLE moves (n INTEGER); INSERT INTO moves VALUES (0)',
  );
  db.exec('CREATE TABLE ballast (bytes BLOB)');
  const account = db.prepare('INSERT INTO account VALUES (?, 1000)');
  const ballast = db.prepare('INSERT INTO ballast VALUES (randomblob(1048576))');
  db.transaction(() => {
    for (let id = 0; id < accounts; id++) account.run(id);
    for (let mib = 0; mib < sizeMiB; mib++) ballast.run();
  })();
  db.close();
}

function bankIn(path: string): { sum: number; moves: number; integrity: unknown } {
  // Not read-only: a mover that was killed in a transaction has left a journal to roll back.
  const db = new Database(path, { fileMustExist: true, timeout: 60_000 });
  const bank = {
    sum: db.prepare('SELECT sum(money) FROM account').pluck().get() as number,
    moves: db.prepare('SELECT n FROM moves').pluck().get() as number,
    integrity: db.pragma('integrity_check', { simple: true }),
  };
  db.close();
  return bank;
}

async function whileMoving(daemon: Daemon, test: (movers: Started[]) => Promise<void>): Promise<void> {
  const movers = [1, 2, 3].map(() => start('python3', ['-c', mover(join(daemon.root, 'bank.db'))]));
  try {
    await eventually(() => {
      for (const one of movers) expect(one.stdout(), one.stderr()).toContain('moved');
    });
    await test(movers);
  } finally {
    for (const one of movers) one.process.kill('SIGKILL');
    await Promise.all(movers.map((one) => one.finished));
  }
}

describe('backup and restore', () => {
  for (const journal of ['wal', 'delete']) {
    test(`under write load save one moment and put it back under the clients' hands (journal mode ${journal})`, async () => {
      await withDaemon([], async (daemon) => {
        makeBank(join(daemon.data, 'bank.db'), journal);
        const saved = join(daemon.folder, 'bank.saved');
        await whileMoving(daemon, async (movers) => {
          const backup = await daemon.command('backup', 'bank', saved);
          expect(backup).toMatchObject({ code: 0, stderr: '' });
          expect(backup.stdout).toMatch(/bank\.db is saved to .*bank\.saved, [\d.]+ [MG]iB\n/);
          const then = bankIn(saved);
          expect(then).toMatchObject({ sum: total, integrity: 'ok' });

          const refused = await daemon.command('restore', saved, 'bank');
          expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });

          const { moves: before } = bankIn(join(daemon.root, 'bank.db'));
          expect(before).toBeGreaterThan(then.moves);
          expect(await daemon.command('restore', saved, 'bank', '--force')).toMatchObject({ code: 0, stderr: '' });

          // Those who had it open go on with what was restored, without one error.
          const counts = movers.map((one) => one.stdout().length);
          await eventually(() => {
            movers.forEach((one, index) => {
              expect(one.stderr()).toBe('');
              expect(one.stdout().length).toBeGreaterThan(counts[index] ?? 0);
            });
          });
        });
        expect(bankIn(join(daemon.root, 'bank.db'))).toMatchObject({ sum: total, integrity: 'ok' });
      });
    }, 600_000);
  }

  test('restore makes a new database, converts another page size, and refuses what is damaged', async () => {
    await withDaemon([], async (daemon) => {
      makeBank(join(daemon.data, 'bank.db'), 'wal', 8192);
      const saved = join(daemon.folder, 'saved.db');
      await daemon.command('backup', 'bank.db', saved);
      expect(await daemon.command('restore', saved, 'copy')).toMatchObject({ code: 0 });
      expect(bankIn(join(daemon.root, 'copy.db'))).toMatchObject({ sum: total, integrity: 'ok' });

      const small = new Database(join(daemon.root, 'small.db'));
      small.exec('PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; CREATE TABLE other (x)');
      expect(await daemon.command('restore', saved, 'small', '--force')).toMatchObject({ code: 0, stderr: '' });
      expect(small.prepare('SELECT count(*) FROM account').pluck().get()).toBe(accounts);
      small.close();

      writeFileSync(join(daemon.folder, 'damaged'), 'no database at all');
      const refused = await daemon.command('restore', join(daemon.folder, 'damaged'), 'copy', '--force');
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot be read as an SQLite database'),
      });
      expect(bankIn(join(daemon.root, 'copy.db')).sum).toBe(total);
      expect(existsSync(`${saved}.unfinished`)).toBe(false);
      expect(statSync(saved).size).toBeGreaterThan(sizeMiB * 2 ** 20);
    });
  }, 300_000);

  test('a name outside of the databases and a daemon that is not there are refused', async () => {
    await withDaemon([], async (daemon) => {
      expect(await daemon.command('backup', '../etc/passwd', '/tmp/never')).toMatchObject({ code: 2 });
      expect(await daemon.command('backup', 'none', '/tmp/never')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('does not exist'),
      });
      await daemon.stop();
      expect(await daemon.command('backup', 'none', '/tmp/never')).toMatchObject({ code: 3 });
    });
  });
});
