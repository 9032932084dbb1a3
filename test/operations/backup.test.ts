// Backup and restore while clients write: what is saved is one moment, what is restored never mixes with anything.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { dieAfter } from '../helpers/killed-writer.ts';
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

          await eventually(() => expect(bankIn(join(daemon.root, 'bank.db')).moves).toBeGreaterThan(then.moves));
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

describe('what a backup and a restore leave', () => {
  test('owner and mode go along both ways, and nothing unfinished stays', async () => {
    await withDaemon([], async (daemon) => {
      makeBank(join(daemon.data, 'bank.db'), 'wal');
      chmodSync(join(daemon.data, 'bank.db'), 0o600);
      chownSync(join(daemon.data, 'bank.db'), 1234, 1235);
      const saved = join(daemon.folder, 'saved.db');
      const both = await Promise.all([
        daemon.command('backup', 'bank', saved),
        daemon.command('backup', 'bank', saved),
      ]);
      expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
      expect(both.map(({ stderr }) => stderr).join('')).toMatch(/saved\.db (exists|has appeared meanwhile)/);
      const accessOf = (path: string) => {
        const { mode, uid, gid } = statSync(path);
        return { mode: (mode & 0o777).toString(8), uid, gid };
      };
      expect(accessOf(saved)).toEqual({ mode: '600', uid: 1234, gid: 1235 });
      expect(await daemon.command('restore', saved, 'copy')).toMatchObject({ code: 0, stderr: '' });
      expect(accessOf(join(daemon.data, 'copy.db'))).toEqual({ mode: '600', uid: 1234, gid: 1235 });
      expect(
        [...readdirSync(daemon.data), ...readdirSync(daemon.folder)].filter((name) => /unfinished|restor/.test(name)),
      ).toEqual([]);
    });
  });

  test('a journal that a killed writer has left is rolled back, not in the way', async () => {
    await withDaemon([], async (daemon) => {
      const path = join(daemon.root, 'bank.db');
      makeBank(path, 'delete');
      const begin = ['PRAGMA cache_size=1', 'BEGIN IMMEDIATE', 'UPDATE account SET money = 0'];
      await dieAfter(path, ...begin, 'DELETE FROM ballast WHERE rowid > 2');
      expect(existsSync(`${path}-journal`)).toBe(true);
      const hot = join(daemon.folder, 'hot.db');
      for (const suffix of ['', '-journal']) copyFileSync(path + suffix, hot + suffix);
      const saved = join(daemon.folder, 'saved.db');
      expect(await daemon.command('backup', 'bank', saved)).toMatchObject({ code: 0, stderr: '' });
      expect(bankIn(saved)).toMatchObject({ sum: total, integrity: 'ok' });
      const journal = readFileSync(`${hot}-journal`);
      expect(await daemon.command('restore', hot, 'copy')).toMatchObject({ code: 0, stderr: '' });
      expect(bankIn(join(daemon.root, 'copy.db'))).toMatchObject({ sum: total, integrity: 'ok' });
      expect(readFileSync(`${hot}-journal`).equals(journal)).toBe(true);
    });
  });

  test('a WAL database on a read-only file system is restored', async () => {
    await withDaemon([], async (daemon) => {
      makeBank(join(daemon.data, 'bank.db'), 'wal');
      const place = join(daemon.folder, 'read-only');
      mkdirSync(place);
      expect(await daemon.command('backup', 'bank', join(place, 'saved.db'))).toMatchObject({ code: 0 });
      const mount = (...args: string[]) => expect(spawnSync('mount', args)).toMatchObject({ status: 0 });
      mount('--bind', place, place);
      mount('-o', 'remount,bind,ro', place);
      expect(await daemon.command('restore', join(place, 'saved.db'), 'copy')).toMatchObject({ code: 0, stderr: '' });
      expect(bankIn(join(daemon.root, 'copy.db'))).toMatchObject({ sum: total, integrity: 'ok' });
    });
  });

  test('a restored database begins without the WAL of an earlier one, which is kept beside it', async () => {
    await withDaemon([], async (daemon) => {
      const path = join(daemon.root, 'bank.db');
      makeBank(path, 'wal');
      const saved = join(daemon.folder, 'saved.db');
      await daemon.command('backup', 'bank', saved);
      await dieAfter(path, 'PRAGMA wal_autocheckpoint=0', 'UPDATE account SET money = 7');
      renameSync(path, join(daemon.root, 'bank.damaged'));
      const restored = await daemon.command('restore', saved, 'bank');
      expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining('files of an earlier bank.db') });
      expect(bankIn(path)).toMatchObject({ sum: total, integrity: 'ok' });

      const wal = readdirSync(daemon.root).find((name) => /^bank\.db\.leftover-.*-wal$/.test(name)) ?? '';
      const earlier = join(daemon.root, wal.slice(0, -'-wal'.length));
      renameSync(join(daemon.root, 'bank.damaged'), earlier);
      expect(bankIn(earlier).sum).toBe(7 * accounts);
    });
  });

  test('what would destroy a database, and a folder that is missing, are refused in one sentence', async () => {
    await withDaemon([], async (daemon) => {
      for (const name of ['bank.db', 'other.db']) makeBank(join(daemon.data, name), 'wal');
      const refusals: [string[], RegExp][] = [
        [['backup', 'bank', join(daemon.root, 'bank.db'), '--force'], /bank\.db belongs to the database itself/],
        [['backup', 'bank', join(daemon.data, 'bank.db'), '--force'], /bank\.db belongs to the database itself/],
        [
          ['backup', 'bank', join(daemon.data, 'bank.db-wal'), '--force'],
          /bank\.db-wal belongs to the database itself/,
        ],
        [
          ['backup', 'bank', join(daemon.root, 'other.db'), '--force'],
          /other\.db is a database that programs may have open/,
        ],
        [['backup', 'bank', join(daemon.root, 'new.db-journal')], /has the name of a file that SQLite keeps/],
        [['backup', 'bank', join(daemon.folder, 'none/saved.db')], /the folder .*none does not exist \(mkdir -p /],
        [['backup', 'bank', daemon.folder, '--force'], /is not a regular file/],
        [['restore', join(daemon.root, 'bank.db'), 'bank', '--force'], /is the database itself/],
        [['restore', join(daemon.data, 'other.db'), 'none/new'], /the folder .*none does not exist/],
      ];
      for (const [args, message] of refusals) {
        const { code, stderr } = await daemon.command(args[0] ?? '', ...args.slice(1));
        expect([code, stderr.split('\n').length], stderr).toEqual([1, 2]);
        expect(stderr).toMatch(message);
      }
      expect(bankIn(join(daemon.root, 'bank.db'))).toMatchObject({ sum: total, integrity: 'ok' });
      expect(await daemon.command('backup', 'bank.db-wal', '/tmp/never')).toMatchObject({ code: 2 });
    });
  });
});
