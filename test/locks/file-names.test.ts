// A database is queued for under whatever name the kernel knows it, and however it came by that name.
import { linkSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LockView } from '../../fs/index.ts';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { run, start } from '../helpers/process.ts';

const inserts = 120;
/** The name as hex, since it may be no text. Prints how often it was told "locked". */
const writer = `
import os, sqlite3, sys
path = bytes.fromhex(sys.argv[1])
locked = 0
for n in range(${inserts}):
    while True:
        try:
            db = sqlite3.connect(path, timeout=0, isolation_level=None)
            db.execute("INSERT INTO t VALUES (?)", (n,))
            db.close()
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error): raise
            locked += 1
print(locked)`;

const python = (script: string, path: Buffer) => run('python3', ['-c', script, path.toString('hex')]);

async function make(path: Buffer, journal: string): Promise<void> {
  const script = `
import sqlite3, sys
db = sqlite3.connect(bytes.fromhex(sys.argv[1]), isolation_level=None)
db.execute("PRAGMA journal_mode=${journal}")
db.execute("CREATE TABLE t (n)")`;
  expect(await python(script, path)).toMatchObject({ code: 0, stderr: '' });
}

/** Each way makes a database and answers its name. */
const ways: Readonly<Record<string, (daemon: Daemon, journal: string) => Promise<Buffer>>> = {
  'created over HTTP': async (daemon, journal) => {
    expect((await apiOf(daemon).call('POST', '/db/create?path=app')).status).toBe(201);
    const path = Buffer.from(join(daemon.mount, 'app.db'));
    await make(path, journal);
    return path;
  },
  'made under another name, linked, and the other name removed': async (daemon, journal) => {
    const [temporary, path] = [join(daemon.mount, 'x.tmp'), join(daemon.mount, 'x.db')];
    await make(Buffer.from(temporary), journal);
    linkSync(temporary, path);
    unlinkSync(temporary);
    return Buffer.from(path);
  },
  'linked into another folder, and the first name removed': async (daemon, journal) => {
    const [temporary, path] = [join(daemon.mount, 'x.tmp'), join(daemon.mount, 'sub/x.db')];
    await make(Buffer.from(temporary), journal);
    mkdirSync(join(daemon.mount, 'sub'));
    linkSync(temporary, path);
    unlinkSync(temporary);
    return Buffer.from(path);
  },
  'moved into place': async (daemon, journal) => {
    const [temporary, path] = [join(daemon.mount, 'x.tmp'), join(daemon.mount, 'x.db')];
    await make(Buffer.from(temporary), journal);
    renameSync(temporary, path);
    return Buffer.from(path);
  },
  'with a name that ends as the kernel marks removed files': async (daemon, journal) => {
    const path = Buffer.from(join(daemon.mount, 'x.db (deleted)'));
    await make(path, journal);
    return path;
  },
  'with a name that is no UTF-8': async (daemon, journal) => {
    const path = Buffer.concat([Buffer.from(`${daemon.mount}/caf`), Buffer.from([0xe9]), Buffer.from('.db')]);
    await make(path, journal);
    return path;
  },
};

describe.each(['delete', 'wal'])('journal mode %s', (journal) => {
  test.each(Object.keys(ways))('a database %s is queued for: nobody hears "locked" at a timeout of 0', async (way) => {
    await withDaemon([], async (daemon) => {
      const path = (await ways[way]?.(daemon, journal)) ?? Buffer.of();
      const writers = await Promise.all([1, 2, 3].map(() => python(writer, path)));
      expect(writers.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['0\n', '0\n', '0\n']);
    });
  });
});

test.each(['app.db', 'sub/app.db', 'volume/app.db', 'volume/sub/app.db'])(
  'locks are shown under the name by which the database was opened (%s), also after the fs process was replaced',
  async (name) => {
    await withDaemon([], async (daemon) => {
      // Files of another file system below the data directory come back by the descriptors of their first names.
      const isOnVolume = name.startsWith('volume/');
      const volume = join(daemon.data, 'volume');
      mkdirSync(volume);
      if (isOnVolume) await run('mount', ['-t', 'tmpfs', 'tmpfs', volume]);
      const temporary = join(daemon.mount, isOnVolume ? 'volume/made.tmp' : 'made.tmp');
      const path = join(daemon.mount, name);
      mkdirSync(dirname(path), { recursive: true });
      await make(Buffer.from(temporary), 'delete');
      linkSync(temporary, path);
      unlinkSync(temporary);
      const holder = start('python3', [
        '-c',
        'import sqlite3,sys; db=sqlite3.connect(sys.argv[1],isolation_level=None); db.execute("BEGIN IMMEDIATE"); print("held",flush=True); sys.stdin.readline(); db.execute("COMMIT"); print("free",flush=True); sys.stdin.read()',
        path,
      ]);
      try {
        await eventually(() => expect(holder.stdout()).toContain('held'));
        const shown = async () => {
          const { stdout } = await daemon.command('locks', '--json');
          return (JSON.parse(stdout) as LockView).databases.map(({ db, journal }) => `${db} ${journal}`);
        };
        expect(await shown()).toEqual([`${name} rollback`]);
        const fs = (await daemon.status()).processes.find(({ role }) => role === 'fs');
        process.kill(fs?.pid ?? 0, 'SIGKILL');
        await eventually(async () => {
          const now = (await daemon.status()).processes.find(({ role }) => role === 'fs');
          expect(now?.pid).not.toBe(fs?.pid);
          expect(now).toBeDefined();
        });
        await eventually(async () => expect(await shown()).toEqual([`${name} rollback`]));
        writeFileSync(join(daemon.mount, 'alive'), '');
        // The successor queues for it as the one before did.
        holder.process.stdin?.write('\n');
        await eventually(() => expect(holder.stdout()).toContain('free'));
        const writers = await Promise.all([1, 2, 3].map(() => python(writer, Buffer.from(path))));
        expect(writers.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['0\n', '0\n', '0\n']);
      } finally {
        holder.process.kill('SIGKILL');
        await holder.finished;
        if (isOnVolume) await run('umount', ['-l', volume]);
      }
    });
  },
);
