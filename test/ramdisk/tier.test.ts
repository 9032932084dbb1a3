// Databases move between RAM and disk, and the tier says what it does and what it cannot.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { query } from '../survival/load.ts';
import { forgetMemory, killAll, withRamDaemon } from './rounds.ts';

const ramdisk = (paths: DaemonPaths) => join(paths.folder, 'ramdisk');

function filesInRam(paths: DaemonPaths): string[] {
  return readdirSync(ramdisk(paths), { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('/files/'));
}

function ramPathOf(paths: DaemonPaths, name: string): string {
  const found = filesInRam(paths).find((path) => path.endsWith(`/files/${name}`));
  return found === undefined ? '' : join(ramdisk(paths), found);
}

async function tier(daemon: Daemon, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.command('tier', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** A program that has the database open until it is told to end. */
async function holderOf(path: string) {
  const code =
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select * from t').fetchall(); print('ready', flush=True); sys.stdin.read()";
  const process = spawn('python3', ['-c', code, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(process, 'exit');
  await once(process.stdout, 'data');
  const end = async () => {
    process.stdin.end();
    await ended;
  };
  return { process, end };
}

describe('tier set', () => {
  test('moves a database to the disk and back with its number and its rows; the choice lasts', async () => {
    await withPaths(async (paths) => {
      const name = 'app.db';
      await withRamDaemon(paths, async (daemon) => {
        const path = join(daemon.root, name);
        query(path, 'pragma journal_mode=wal; create table t (n); insert into t values (1)');
        const number = statSync(path).ino;
        expect(ramPathOf(paths, name)).not.toBe('');
        expect(await tier(daemon, 'set', name, 'disk')).toBe('app.db is on the disk now\n');
        expect(ramPathOf(paths, name)).toBe('');
        expect(query(path, 'insert into t values (2); select count(*) from t')).toBe('2');
        expect(query(join(paths.data, name), 'select count(*) from t')).toBe('2');
        expect(statSync(path).ino).toBe(number);
        expect(await tier(daemon, 'set', name, 'ram')).toBe('app.db is in RAM now\n');
        expect(ramPathOf(paths, name)).not.toBe('');
        expect(statSync(path).ino).toBe(number);
        expect(query(path, 'insert into t values (3); select count(*) from t')).toBe('3');
        expect(await tier(daemon, 'set', name, 'ram')).toBe('app.db is in RAM already\n');
        await tier(daemon, 'set', name, 'disk');
      });
      await withRamDaemon(paths, async (daemon) => {
        expect(ramPathOf(paths, name)).toBe('');
        expect(query(join(daemon.root, name), 'select count(*) from t')).toBe('3');
        const answer = await request(`${daemon.url}/api/v1/sqlite/db/tier?db=app.db&tier=ram`, 'POST');
        expect([answer.status, JSON.parse(answer.text)]).toEqual([
          200,
          { success: true, path: name, tier: 'ram', moved: true, holders: [] },
        ]);
        const { text } = await request(`${daemon.url}/api/v1/sqlite/db/tier`, 'GET');
        expect(JSON.parse(text)).toMatchObject({ databases: [{ name, journal: 'wal' }], refused: [] });
      });
    });
  });

  test('says who has it open, and moves it when they have closed it; a server of its own lets it go', async () => {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        const path = join(daemon.root, 'app.db');
        query(path, 'pragma journal_mode=wal; create table t (n)');
        for (const where of ['disk', 'ram'] as const) {
          const holder = await holderOf(path);
          const text = `app.db moves ${where === 'ram' ? 'into RAM' : 'to the disk'} when it is closed by python3`;
          expect(await tier(daemon, 'set', 'app.db', where)).toBe(`${text} (pid ${holder.process.pid})\n`);
          expect(await tier(daemon, 'list')).toContain(text);
          query(path, 'insert into t values (1)');
          expect(ramPathOf(paths, 'app.db') === '').toBe(where === 'ram');
          await holder.end();
          await eventually(() => expect(ramPathOf(paths, 'app.db') === '').toBe(where === 'disk'));
          await eventually(async () => expect(await tier(daemon, 'list')).not.toContain('moves'));
        }
        const sql = { transaction: [{ statement: 'insert into t values (1)' }] };
        await request(`${daemon.url}/api/v1/sqlite/db?db=app.db`, 'POST', { body: sql });
        expect(await tier(daemon, 'set', 'app.db', 'disk')).toBe('app.db is on the disk now\n');
        expect(query(path, 'select count(*) from t')).toBe('3');
        const holder = await holderOf(path);
        const answer = await request(`${daemon.url}/api/v1/sqlite/db/tier?db=app.db&tier=ram`, 'POST');
        const holders = [{ pid: holder.process.pid, command: 'python3' }];
        expect(JSON.parse(answer.text)).toMatchObject({ moved: false, holders: expect.arrayContaining(holders) });
        expect(answer.status).toBe(202);
        await tier(daemon, 'set', 'app.db', 'disk'); // another wish takes the place of the one that waits
        await holder.end();
        await tier(daemon, 'set', 'app.db', 'ram');
        const last = await holderOf(path);
        await tier(daemon, 'set', 'app.db', 'disk');
        await daemon.stop();
        await last.end();
      });
      await withRamDaemon(paths, async (daemon) => {
        await eventually(() => expect(ramPathOf(paths, 'app.db')).toBe('')); // the wish lasts over restarts
        expect(query(join(daemon.root, 'app.db'), 'select count(*) from t')).toBe('3');
      });
    });
  });
});

describe('a reboot', () => {
  test.each(['flush', 'stop'] as const)('after a %s loses nothing', async (how) => {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        const path = join(daemon.root, 'app.db');
        query(path, 'pragma journal_mode=wal; create table t (n)');
        query(join(daemon.root, 'rollback.db'), 'create table t (n); insert into t values (1)');
        for (let n = 1; n <= 20; n++) query(path, `insert into t values (${n})`);
        if (how === 'flush') await tier(daemon, 'flush');
        else await daemon.stop();
        await killAll(paths);
      });
      forgetMemory(paths);
      expect(query(join(paths.data, 'app.db'), 'select count(*) from t')).toBe('20');
      await withRamDaemon(paths, async (daemon) => {
        expect(query(join(daemon.root, 'app.db'), 'select count(*) from t')).toBe('20');
        expect(query(join(daemon.root, 'rollback.db'), 'select count(*) from t')).toBe('1');
        expect(ramPathOf(paths, 'app.db')).not.toBe('');
      });
    });
  });
});

describe('two copies that differ', () => {
  test.each(['ram', 'disk'] as const)('are refused until somebody keeps that of the %s', async (kept) => {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        query(join(daemon.root, 'app.db'), 'pragma journal_mode=wal; create table t (who); insert into t values (0)');
        await tier(daemon, 'flush');
      });
      query(ramPathOf(paths, 'app.db'), "update t set who = 'ram'");
      query(join(paths.data, 'app.db'), "update t set who = 'disk'");
      await withRamDaemon(paths, async (daemon) => {
        const path = join(daemon.root, 'app.db');
        expect(spawnSync('sqlite3', [path, 'select who from t']).status).not.toBe(0);
        expect((await daemon.status()).degraded.join()).toContain('app.db cannot be opened');
        expect(daemon.stderr()).toContain('hoody-sqlite tier keep app.db ram|disk');
        await tier(daemon, 'keep', 'app.db', kept);
        await eventually(() => expect(query(path, 'select who from t')).toBe(kept));
        await tier(daemon, 'flush');
        expect(query(join(paths.data, 'app.db'), 'select who from t')).toBe(kept);
      });
    });
  });

  test('of which only the durable one has changed: that one counts', async () => {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        query(join(daemon.root, 'app.db'), 'pragma journal_mode=wal; create table t (who); insert into t values (0)');
      });
      query(join(paths.data, 'app.db'), "update t set who = 'disk'");
      await withRamDaemon(paths, async (daemon) => {
        expect(query(join(daemon.root, 'app.db'), 'select who from t')).toBe('disk');
      });
    });
  });

  test('of which the one in RAM is of an earlier boot: the durable one counts', async () => {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        query(join(daemon.root, 'app.db'), 'pragma journal_mode=wal; create table t (who); insert into t values (0)');
      });
      query(ramPathOf(paths, 'app.db'), "update t set who = 'ram'");
      const notes = readdirSync(ramdisk(paths), { recursive: true, encoding: 'utf8' });
      const bootId = join(ramdisk(paths), notes.find((path) => path.endsWith('/boot-id')) ?? '');
      writeFileSync(bootId, 'that of another boot');
      await withRamDaemon(paths, async (daemon) => {
        expect(query(join(daemon.root, 'app.db'), 'select who from t')).toBe('0');
        expect(daemon.stderr()).toContain('ramdisk-of-earlier-boot');
        expect(readFileSync(bootId, 'utf8')).not.toContain('another');
      });
    });
  });
});

test('a tmpfs that somebody empties costs at most the lag: programs go on, and it is said', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      const path = join(daemon.root, 'app.db');
      query(path, 'pragma journal_mode=wal; create table t (n); insert into t values (1)');
      spawnSync('bash', ['-c', `rm -rf ${ramdisk(paths)}/*`]);
      expect(query(path, 'insert into t values (2); select count(*) from t')).toBe('2');
      await tier(daemon, 'flush');
      rmSync(join(ramdisk(paths), '.hoody-sqlite'), { recursive: true });
      await eventually(() => expect(query(path, 'insert into t values (3); select count(*) from t')).toBe('3'));
      await eventually(() => expect(daemon.stderr()).toContain('ramdisk-copy-lost'));
    });
  });
});

test('a file that is no SQLite database is told, and copied by a flush', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      appendFileSync(join(daemon.root, 'odd.db'), 'this is text');
      await eventually(async () => {
        const { databases } = JSON.parse(await tier(daemon, 'list', '--json')) as { databases: { trouble?: string }[] };
        expect(databases[0]?.trouble).toContain('no SQLite database');
      });
      await tier(daemon, 'flush');
      expect(readFileSync(join(paths.data, 'odd.db'), 'utf8')).toBe('this is text');
    });
  });
});

test('a log that a killed program has left on the disk is part of what is loaded', async () => {
  await withPaths(async (paths) => {
    mkdirSync(paths.data);
    const path = join(paths.data, 'app.db');
    const code = `import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('create table t (n)'); c.execute('insert into t values (7)')
os._exit(0)`;
    spawnSync('python3', ['-c', code, path]);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    await withRamDaemon(paths, async (daemon) => {
      expect(ramPathOf(paths, 'app.db')).not.toBe('');
      expect(query(join(daemon.root, 'app.db'), 'select n from t')).toBe('7');
      expect(query(path, 'select n from t')).toBe('7');
    });
  });
});

test('whoever asks for the past of a database in RAM is told what the time machine keeps of it', () =>
  withPaths((paths) =>
    withRamDaemon(paths, async (daemon) => {
      query(join(daemon.root, 'app.db'), 'pragma journal_mode=wal; create table t (n); insert into t values (1)');
      expect(ramPathOf(paths, 'app.db')).not.toBe('');
      const told = 'app.db works in RAM: the time machine sees only its durable copy';
      const moment = '2020-01-01T00:00Z';
      for (const [command, ...args] of [
        ['rewind', 'app', '--at', moment, '--dry-run'],
        ['fork', 'app', 'new', '--at', moment],
        ['diff', 'app', moment],
      ] as const) {
        const { code, stderr } = await daemon.command(command, ...args);
        expect([command, code, stderr]).toEqual([command, 1, expect.stringContaining(told)]);
      }
      const from = `${daemon.url}/api/v1/sqlite/db/diff?db=app&from=${moment}&to=now`;
      expect((await request(from, 'GET')).text).toContain(told);
    }),
  ));
