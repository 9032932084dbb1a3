// --json: one object on one line of stdout with the names that docs/operations.md promises, and errors as JSON on
// stderr.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { commands } from '../../daemon/cli/command-table.ts';
import { type Daemon, programPath, runProgram, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Finished, run, start } from '../helpers/process.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/operations.md'), 'utf8');

/** The items `- COMMAND: NAMES` below the heading: names in backticks, in the order in which they are printed. */
const section = (page.slice(page.indexOf('## JSON')).split('\n## ')[0] ?? '').replaceAll('\n  ', ' ');
const promised = new Map(
  [...section.matchAll(/^- `([^`]+)`: (.*)$/gm)].map(([, command = '', names = '']) => [
    command,
    [...names.matchAll(/`([^`]+)`/g)].map((match) => match[1]),
  ]),
);

function resultOf({ stdout }: Finished): Record<string, unknown> {
  expect(stdout).toMatch(/^\{.*\}\n$/);
  return JSON.parse(stdout);
}

async function expectPromised(daemon: Daemon, row: string, ...args: string[]): Promise<Record<string, unknown>> {
  const finished = await daemon.command(...(args as [string]), '--json');
  expect(finished, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  const result = resultOf(finished);
  expect(Object.keys(result), row).toEqual(promised.get(row));
  return result;
}

test('every command that takes --json has a row of names', () => {
  const documented = [...promised.keys()].map((row) => row.split(' ')[0]);
  const taking = commands.filter(({ switches }) => switches?.some(({ flag }) => flag === 'json'));
  expect([...new Set(documented)].sort()).toEqual(taking.map(({ name }) => name).sort());
});

describe('a running daemon', () => {
  test('every command prints the names that are promised', async () => {
    await withDaemon(['--archive', 'wal'], async (daemon) => {
      const db = new Database(join(daemon.mount, 'app.db'));
      db.pragma('journal_mode = wal');
      db.exec('CREATE TABLE t (x)');
      db.close();
      const saved = join(daemon.folder, 'saved.db');
      await expectPromised(daemon, 'status', 'status');
      await expectPromised(daemon, 'status --alive', 'status', '--alive');
      await expectPromised(daemon, 'locks', 'locks');
      await expectPromised(daemon, 'backup NAME FILE', 'backup', 'app', saved);
      await expectPromised(daemon, 'backup --all DIR', 'backup', '--all', join(daemon.folder, 'all'));
      expect(await expectPromised(daemon, 'restore', 'restore', saved, 'copy')).toEqual({
        database: join(daemon.mount, 'copy.db'),
        file: saved,
        bytes: 8192,
      });
      await expectPromised(daemon, 'history', 'history', 'app');
      await expectPromised(daemon, 'rewind --dry-run', 'rewind', 'app', '--at', 'now', '--dry-run');
      await expectPromised(daemon, 'rewind --yes', 'rewind', 'app', '--at', 'now', '--yes');
      await expectPromised(daemon, 'fork', 'fork', 'app', 'forked', '--at', 'now');
      await expectPromised(daemon, 'diff', 'diff', 'app', 'now');
      await expectPromised(daemon, 'query', 'query', 'app', 'SELECT 1');
      await expectPromised(daemon, 'archive status', 'archive', 'status');
      await expectPromised(daemon, 'archive verify', 'archive', 'verify');
      await expectPromised(daemon, 'archive prune', 'archive', 'prune');
      const exported = join(daemon.folder, 'exported');
      await expectPromised(daemon, 'archive export', 'archive', 'export', 'app', '--to', exported);
      await expectPromised(daemon, 'restore --from', 'restore', '--from', exported);
      await expectPromised(daemon, 'reload', 'reload');
      await expectPromised(daemon, 'stop', 'stop');
      expect(await expectPromised(daemon, 'unmount', 'unmount')).toEqual({ mount: null, cleared: false });
    });
  });

  test('the commands of databases in RAM print the names that are promised', () =>
    withPaths((paths) => {
      const flags = ['--ramdisk', join(paths.folder, 'ramdisk'), '--ram', 'app.db'];
      const expectNames = async (daemon: Daemon) => {
        new Database(join(daemon.mount, 'app.db')).exec('CREATE TABLE t (x)').close();
        await expectPromised(daemon, 'tier list', 'tier', 'list');
        await expectPromised(daemon, 'tier flush', 'tier', 'flush');
        await expectPromised(daemon, 'tier set', 'tier', 'set', 'app', 'disk');
      };
      return withDaemon(flags, expectNames, { paths });
    }));

  test('--watch prints a line every second until the reader goes away', async () => {
    await withDaemon(['--no-mount'], async (daemon) => {
      const args = ['--run-dir', daemon.runDir, '--data', daemon.data, '--watch', '--json'];
      const watch = async (command: string) => {
        const watching = start(process.execPath, [programPath, command, ...args]);
        await eventually(() => expect(watching.stdout().split('\n').length).toBeGreaterThan(2));
        expect(resultOf({ stdout: `${watching.stdout().split('\n')[0]}\n` } as Finished)).toBeTypeOf('object');
        watching.process.stdout?.destroy();
        expect(await watching.finished).toMatchObject({ code: 1, stderr: '' });
      };
      await Promise.all(['status', 'locks'].map(watch));
    });
  });
});

test('version and check need no daemon', async () => {
  expect(Object.keys(resultOf(await runProgram(['version', '--json'])))).toEqual(promised.get('version'));
  expect(Object.keys(resultOf(await runProgram(['check', '--json', '--listen', '127.0.0.1:0'])))).toEqual(
    promised.get('check'),
  );
});

test.each([
  [['status', '--json', '--run-dir', '/nowhere'], 3, 'noDaemon', 'hoody-sqlite start'],
  [['status', '--json', '--jason'], 2, 'usage', 'hoody-sqlite help status lists the flags'],
  [['backup', '--json'], 2, 'usage', expect.stringContaining('NAME FILE')],
  [['strat', '--json'], 2, 'usage', 'hoody-sqlite help lists the commands'],
])('the error of %j is JSON on stderr', async (args, exitCode, code, hint) => {
  const { stdout, stderr, ...finished } = await runProgram(args);
  expect(finished.code).toBe(exitCode);
  expect(stdout).toBe('');
  expect(JSON.parse(stderr)).toEqual({ error: { code, exitCode, message: expect.any(String), hint } });
});

test('an output that cannot be written is an error', async () => {
  const finished = await run('sh', ['-c', `"${process.execPath}" "${programPath}" version >/dev/full`]);
  expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot write to the output') });
});
