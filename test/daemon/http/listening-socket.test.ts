import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseListenAddress, urlOf } from '../../../daemon/config/listen-address.ts';
import { openHttpSocket } from '../../../daemon/http/listening-socket.ts';
import { openPaths } from '../../helpers/descriptors.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each(['127.0.0.1:0', '[::1]:0', 'localhost:0'])(
  'a server that inherits the socket of %s answers',
  async (text) => {
    const socket = await openHttpSocket(parseListenAddress(text));
    const server = createServer((_, response) => response.end('here'));
    await new Promise<void>((resolve) => server.listen({ fd: socket.fd }, resolve));
    try {
      // The request waits in the backlog until somebody accepts it.
      expect(await (await fetch(urlOf(socket.address))).text()).toBe('here');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  },
);

test('a port that is in use is refused in one sentence', async () => {
  const first = await openHttpSocket(parseListenAddress('127.0.0.1:0'));
  await expect(openHttpSocket(first.address)).rejects.toThrow(/cannot listen on .*: the address is in use/);
  await first.close();
});

test('trying again for a port that is in use leaves no socket open', async () => {
  const sockets = () => openPaths(process.pid).filter((path) => path.startsWith('socket:')).length;
  const first = await openHttpSocket(parseListenAddress('127.0.0.1:0'));
  const before = sockets();
  await expect(openHttpSocket(first.address, 300)).rejects.toThrow('in use');
  expect(sockets()).toBeLessThanOrEqual(before); // one of the test before may close meanwhile
  await first.close();
});

test('a socket file is removed in the end, a stale one is replaced, a used one is refused', async () => {
  const address = parseListenAddress(`unix:${join(folder, 's')}`);
  spawnSync('python3', ['-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', join(folder, 's')]);
  expect(existsSync(join(folder, 's'))).toBe(true);
  const first = await openHttpSocket(address);
  await expect(openHttpSocket(address)).rejects.toThrow('in use');
  await first.close();
  expect(existsSync(join(folder, 's'))).toBe(false);
});

test('an unknown host name is refused by name', async () => {
  await expect(openHttpSocket(parseListenAddress('nowhere.invalid:1'))).rejects.toThrow('nowhere.invalid');
});
