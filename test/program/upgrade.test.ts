// A reload after an upgrade: a new program that does not work must not cost the old one its life, and it is told which
// one runs.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, startDaemon, whenReady, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const checkout = resolve(import.meta.dirname, '../..');

/** A copy of the program, to be changed under the running daemon. */
function install(paths: DaemonPaths): string {
  const folder = join(paths.folder, 'program');
  cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(checkout, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function edit(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(from);
  writeFileSync(file, text.replace(from, to));
}

async function withInstalled(test: (daemon: Daemon, program: string) => Promise<void>): Promise<void> {
  await withPaths(async (paths) => {
    const folder = install(paths);
    const started = startDaemon(paths, [], { program: join(folder, 'dist/daemon/main.js') });
    try {
      await test(await whenReady(started, paths), folder);
    } finally {
      started.process.kill('SIGTERM');
      await started.exited;
    }
  });
}

async function pidsOf(daemon: Daemon): Promise<Record<string, number>> {
  const { processes } = await daemon.status();
  return Object.fromEntries(processes.map(({ role, pid }) => [role, pid]));
}

test.each([
  ['fs', 'dies at once', 'dist/fs/main.js', /^/, 'process.exit(7);\n'],
  ['fs', 'lacks a part', 'dist/fs/channel/parts.js', /^/, "import './missing.js';\n"],
  ['fs', 'cannot read the state', 'dist/fs/state/layout.js', /layoutVersion = \d+/, 'layoutVersion = 4711'],
  ['server', 'dies at once', 'dist/server/process/main.js', /^/, 'process.exit(7);\n'],
])('a new %s process that %s: the reload fails, and the old one serves on', async (role, _, file, from, to) => {
  await withInstalled(async (daemon, folder) => {
    const client = new SqliteClient();
    try {
      await client.open(join(daemon.mount, 'app.db'));
      expect(await client.run(['CREATE TABLE t(a)', 'BEGIN IMMEDIATE'])).toMatchObject({ error: null });
      const before = await pidsOf(daemon);
      edit(join(folder, file), from, to);
      const reload = await daemon.command('reload');
      expect(reload).toMatchObject({ code: 1, stdout: '' });
      expect(reload.stderr).toContain(`the new ${role} process does not start`);
      expect(reload.stderr).toContain('the old one serves on');
      expect((await pidsOf(daemon))[role]).toBe(before[role]);
      // The mount and the lock of before the reload, and HTTP.
      expect(await client.run(['INSERT INTO t VALUES (1)', 'COMMIT'])).toMatchObject({ error: null });
      expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
      expect(daemon.stderr()).not.toContain('mount-given-up');
    } finally {
      client.kill();
    }
  });
});

test('status tells the version that runs, and that of the processes which a reload has replaced', async () => {
  await withInstalled(async (daemon, folder) => {
    const { version } = await daemon.status();
    const versions = async () => new Set((await daemon.status()).children.map((child) => child.version));
    edit(join(folder, 'package.json'), `"version": "${version}"`, '"version": "77.0.0"');
    expect(await versions()).toEqual(new Set([version]));
    expect(await daemon.command('reload')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await versions()).toEqual(new Set(['77.0.0'])));
    expect((await daemon.status()).version).toBe(version);
    expect((await daemon.command('status')).stdout).toMatch(/^fs .*, version 77\.0\.0/m);
    const description = await fetch(`${daemon.url}/api/v1/sqlite/openapi.json`);
    expect(await description.json()).toMatchObject({ info: { version: '77.0.0' } });
  });
});
