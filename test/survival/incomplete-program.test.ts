// An installation that lacks a file that is needed later says so at its start, before a program can meet it.
import { fork } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { FromFsProcess, FsStartOptions } from '../../fs/index.ts';

const checkout = resolve(import.meta.dirname, '../..');

test('an fs process without the module of its long calls fails at its start, and does not mount', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-incomplete-'));
  try {
    for (const part of ['package.json', 'dist/fs'])
      cpSync(join(checkout, part), join(folder, part), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    rmSync(join(folder, 'dist/fs/channel/errand-thread.js'));
    const [dataDir, mountPoint, stateDir] = ['data', 'mount', 'state'].map((name) => join(folder, name));
    for (const path of [dataDir, mountPoint, stateDir]) mkdirSync(path ?? '');
    const child = fork(join(folder, 'dist/fs/main.js'), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    try {
      const first = new Promise<FromFsProcess>((heard) => child.once('message', heard));
      const options = { dataDir, mountPoint, stateDir, passthrough: 'off', locks: 'coordinated' } as FsStartOptions;
      child.send({ type: 'start', options });
      expect(await first).toMatchObject({ type: 'failed', message: expect.stringContaining('errand-thread.js') });
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
