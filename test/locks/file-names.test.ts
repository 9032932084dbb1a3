// A database is queued for under whatever name the kernel knows it, and however it came by that name.
import { linkSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LockView } from '../../fs/index.ts';
import { pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { killEach, run, start } from '../helpers/process.ts';

const inserts = 40;
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
            db.close()
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

const api = useDaemon();

/** Each way makes a database with a name of this journal mode and answers it. */
const ways: Readonly<Record<string, (root: string, journal: string) => Promise<Buffer>>> = {
  'created over HTTP': async (root, journal) => {
    expect((await api().call('POST', `/db/create?path=http-${journal}`)).status).toBe(201);
    const path = Buffer.from(join(root, `http-${journal}.db`));
    await make(path, journal);
    return path;
  },
  'made under another name, linked, and the other name removed': async (root, journal) => {
    const [temporary, path] = [join(root, `linked-${journal}.tmp`), join(root, `linked-${journal}.db`)];
    await make(Buffer.from(temporary), journal);
    linkSync(temporary, path);
    unlinkSync(temporary);
    return Buffer.from(path);
  },
  'linked into another folder, and the first name removed': async (root, journal) => {
    const [temporary, path] = [join(root, `away-${journal}.tmp`), join(root, `sub-${journal}/x.db`)];
    await make(Buffer.from(temporary), journal);
    mkdirSync(join(root, `sub-${journal}`));
    linkSync(temporary, path);
    unlinkSync(temporary);
    return Buffer.from(path);
  },
  'moved into place': async (root, journal) => {
    const [temporary, path] = [join(root, `moved-${journal}.tmp`), join(root, `moved-${journal}.db`)];
    await make(Buffer.from(temporary), journal);
    renameSync(temporary, path);
    return Buffer.from(path);
  },
  'with a name that ends as the kernel marks removed files': async (root, journal) => {
    const path = Buffer.from(join(root, `${journal}.db (deleted)`));
    await make(path, journal);
    return path;
  },
  'with a name that is no UTF-8': async (root, journal) => {
    const path = Buffer.concat([Buffer.from(`${root}/${journal}-caf`), Buffer.from([0xe9]), Buffer.from('.db')]);
    await make(path, journal);
    return path;
  },
};

describe.each(['delete', 'wal'])('journal mode %s', (journal) => {
  test.each(Object.keys(ways))('a database %s is queued for: nobody hears "locked" at a timeout of 0', async (way) => {
    const path = (await ways[way]?.(api().daemon.mount, journal)) ?? Buffer.of();
    const writers = await Promise.all([1, 2, 3].map(() => python(writer, path)));
    expect(writers.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['0\n', '0\n', '0\n']);
  });
});

/** Holds the write lock until it is told to commit. */
const holderScript = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE"); print("held", flush=True)
sys.stdin.readline(); db.execute("COMMIT"); print("free", flush=True)
sys.stdin.read()`;

test('locks are shown under the names by which databases were opened, also after the fs process was replaced', async () => {
  await withDaemon([], async (daemon) => {
    // Files of another file system below the data directory come back by the descriptors of their first names.
    const volume = join(daemon.data, 'volume');
    mkdirSync(volume);
    await run('mount', ['-t', 'tmpfs', 'tmpfs', volume]);
    const names = ['app.db', 'sub/app.db', 'volume/app.db', 'volume/sub/app.db'];
    const paths = names.map((name) => join(daemon.mount, name));
    for (const [index, path] of paths.entries()) {
      const temporary = join(daemon.mount, index < 2 ? 'made.tmp' : 'volume/made.tmp');
      mkdirSync(dirname(path), { recursive: true });
      await make(Buffer.from(temporary), 'delete');
      linkSync(temporary, path);
      unlinkSync(temporary);
    }
    const holders = paths.map((path) => start('python3', ['-c', holderScript, path]));
    const say = (word: string) =>
      eventually(() => holders.map(({ stdout, stderr }) => expect(stdout() + stderr()).toContain(word)));
    try {
      await say('held');
      const shown = async () => {
        const { stdout } = await daemon.command('locks', '--json');
        return (JSON.parse(stdout) as LockView).databases.map(({ db, journal }) => `${db} ${journal}`).sort();
      };
      const expected = names.map((name) => `${name} rollback`);
      expect(await shown()).toEqual(expected);
      const fs = await pidOf(daemon, 'fs');
      killEach([fs]);
      await eventually(async () => expect(await pidOf(daemon, 'fs')).not.toBe(fs));
      await eventually(async () => expect(await shown()).toEqual(expected));
      writeFileSync(join(daemon.mount, 'alive'), '');
      // The successor queues for them as the one before did.
      for (const holder of holders) holder.process.stdin?.write('\n');
      await say('free');
      for (const path of paths) {
        const writers = await Promise.all([1, 2, 3].map(() => python(writer, Buffer.from(path))));
        expect(writers.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['0\n', '0\n', '0\n']);
      }
    } finally {
      for (const holder of holders) holder.process.kill('SIGKILL');
      await Promise.all(holders.map(({ finished }) => finished));
      await run('umount', ['-l', volume]);
    }
  });
});
