// What systemd hears: the datagrams of sd_notify(3), on a socket file and in the abstract name space.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLog } from '../../../daemon/log.ts';
import { connectServiceManager } from '../../../daemon/systemd/notify.ts';
import { eventually } from '../../helpers/eventually.ts';

const log = createLog({ write: () => {} }, 'error');

/** Node has no datagram sockets of this family: python listens and prints what comes. */
async function listening(path: string, test: (received: () => string) => Promise<void>): Promise<void> {
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\\0", 1) if sys.argv[1][0] == "@" else sys.argv[1])
print("bound", flush=True)
while True: print(s.recv(4096).decode(), flush=True)`;
  const python = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  python.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  try {
    await eventually(() => expect(text).toContain('bound'));
    await test(() => text);
  } finally {
    python.kill('SIGKILL');
  }
}

test.each(['a socket file', 'the abstract name space'])('the state is told through %s', async (where) => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-notify-'));
  const path = where === 'a socket file' ? join(folder, 'notify') : `@hoody-sqlite-${process.pid}`;
  try {
    await listening(path, async (received) => {
      const environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) };
      const manager = connectServiceManager(environment, log);
      expect(environment).toEqual({});
      expect(manager.watchdogMs).toBe(30_000);
      manager.ready('all well');
      manager.alive();
      manager.stopping('asked to', 40);
      await eventually(() => {
        expect(received()).toBe(
          'bound\nREADY=1\nSTATUS=all well\nWATCHDOG=1\nSTOPPING=1\nSTATUS=asked to\nEXTEND_TIMEOUT_USEC=60000000\n',
        );
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without systemd nothing is told, and a socket that is gone is no failure', () => {
  const nobody = connectServiceManager({}, log);
  nobody.ready('unheard');
  expect(nobody.watchdogMs).toBeUndefined();
  connectServiceManager({ NOTIFY_SOCKET: '/nowhere/notify' }, log).ready('unheard');
});
