// The fs process in the moments around the death of its supervisor, without the rest of the daemon.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { libcFunction } from '../../fs/system/libc.ts';
import { eventually } from '../helpers/eventually.ts';
import { tempMount } from '../helpers/temp-mount.ts';
import { query } from './load.ts';

const fsProcess = resolve(import.meta.dirname, '../../dist/fs/main.js');
const shutdown = libcFunction<[number, number]>('int shutdown(int socket, int how)');
const SHUT_RD = 0;

test('an fs process whose supervisor no longer listens serves on', async () => {
  const mount = await tempMount();
  try {
    const path = join(mount.mountPoint, 'a.db');
    query(path, 'create table t (n integer)');
    // As in the moment of the supervisor's death: nothing can be sent any more, and the end of the channel is not seen
    // yet. Synchronous from here, so that this process does not close its end.
    const { fd } = mount.process.channel as unknown as { fd: number };
    expect(shutdown(fd, SHUT_RD)).toBe(0);
    for (let n = 1; n <= 20; n++) query(path, `insert into t values (${n})`); // each commit is told
    expect(query(path, 'select count(*) from t')).toBe('20');
  } finally {
    await mount.close();
  }
});

test('an fs process that was never told to start ends with its supervisor', async () => {
  const child = spawn(process.execPath, [fsProcess], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    child.disconnect();
    await eventually(() => expect(child.exitCode).toBe(0));
  } finally {
    child.kill('SIGKILL');
  }
});
