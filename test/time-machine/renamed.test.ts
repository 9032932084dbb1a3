// A database in WAL mode that gets another name again and again, and leaves WAL mode now and then, while programs write
// random SQL in between: its history goes on under each name, and every state of it is one that its writers saw.
import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { expectStatesThatExisted, judged, writeCertified } from './certified.ts';

const isSoak = process.env.HOODY_SQLITE_SOAK === '1';
const rounds = isSoak ? 200 : 3;
/** Of each of two programs in a round. */
const transactions = isSoak ? 30 : 6;
/** A busy machine may look only when the database is in WAL mode again. */
const ofOtherModes = ['the journal mode is not WAL', 'the database was written in a way that could not be followed'];
if (isSoak) vi.setConfig({ testTimeout: 3_600_000 });

test('renames and other journal modes between random SQL: one history, and no state that never was', () =>
  withDaemon(['--archive', 'wal'], async (daemon) => {
    let database = 'app.db';
    const begin = 'pragma journal_mode=wal; create table seen (number integer primary key, digest, pid)';
    sql(daemon, database, begin);
    for (let round = 1; round <= rounds; round++) {
      const seeds = [10 * round, 10 * round + 1];
      await Promise.all(seeds.map((seed) => writeCertified(daemon, seed, transactions, { database })));
      const modes = ['delete', 'wal', 'persist'];
      if (round % 2 === 0) await writeCertified(daemon, 10 * round + 2, transactions, { database, modes });
      // The last close brings the log into the main file: what is renamed is all of it.
      expect(sql(daemon, database, 'pragma journal_mode=wal')).toBe('wal');
      const next = round % 3 === 0 ? 'app.db' : `renamed-${round}.db`;
      renameSync(join(daemon.mount, database), join(daemon.mount, next));
      database = next;
    }
    const result = await judged(daemon, database);
    const last = Number(sql(daemon, database, 'select max(number) from seen'));
    expect(last).toBeGreaterThan(2 * transactions * rounds);
    expect(expectStatesThatExisted(result, last)).toBeGreaterThan(transactions * rounds);
    const reasons = new Set(result.entries.filter(({ kind }) => kind === 'resync').map(({ reason }) => reason));
    expect([...reasons].filter((reason) => !ofOtherModes.includes(reason ?? ''))).toEqual([]);
  }));

function sql({ mount }: Daemon, database: string, text: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', [join(mount, database), text], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}
