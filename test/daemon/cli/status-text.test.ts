import { expect, test } from 'vitest';
import { statusText } from '../../../daemon/cli/status-text.ts';
import type { DaemonStatus } from '../../../daemon/supervisor/status.ts';

const idle: DaemonStatus = {
  version: '1.2.3',
  uptimeSeconds: 93_784,
  mount: '/hoody/databases',
  data: '/data',
  stateDir: '/state',
  freeBytes: 3 * 2 ** 30,
  url: 'http://127.0.0.1:8484',
  passthrough: true,
  processes: [
    { role: 'supervisor', pid: 1 },
    { role: 'executor', pid: 4 },
  ],
  children: [
    { role: 'fs', pid: 2, version: '2.0.0', restarts: 0, memoryBytes: 2 ** 20, lastExit: null },
    { role: 'server', pid: null, version: null, restarts: 2, memoryBytes: 0, lastExit: 'SIGKILL' },
  ],
  fuse: { requests: { LOOKUP: 10, SETLK: 5 }, handles: 3 },
  http: { requests: 7, openDatabases: 1, queuedJobs: 0 },
  locks: { databases: 1, holders: 2, waiters: 1 },
  kernelLocks: [
    { directory: 'analytics', active: true },
    { directory: 'logs', active: false, reason: 'ENOTDIR' },
  ],
  archive: null,
  archiveLimits: [],
  ship: null,
  ramdisk: null,
  fenced: [{ database: 'held.db', by: [{ pid: 9, command: 'python3' }] }],
  degraded: ['no passthrough: this is an example'],
  lastError: { time: '2026-01-02T03:04:05.000Z', event: 'child-died', fields: { role: 'server', code: null } },
};

test('a person is told everything that matters, and what happens per second', () => {
  const now = {
    ...idle,
    fuse: { ...idle.fuse, requests: { LOOKUP: 14, SETLK: 25 } },
    http: { ...idle.http, requests: 9 },
  };
  expect(statusText(now, idle, 2)).toBe(`version      1.2.3, up 1 d 2 h 3 min, pid 1
mount        /hoody/databases
data         /data, 3.0 GiB free
url          http://127.0.0.1:8484
passthrough  yes
fs           pid 2, 1.0 MiB, version 2.0.0
server       down, restarted 2 times, last end: SIGKILL
executors    pid 4
open         3 files on the mount, 1 database over HTTP
locks        2 held, 1 waited for, in 1 database
kernel locks analytics
kernel locks logs: no
per second   1 HTTP, 12 mount (SETLK 10, LOOKUP 2)
fenced       held.db, until it is closed by pid 9 (python3)
degraded     no passthrough: this is an example
last error   2026-01-02T03:04:05.000Z child-died role=server code=null
`);
});

test('a counter that began again does not count backwards', () => {
  const restarted = { ...idle, fuse: { requests: {} }, http: { ...idle.http, requests: 0 } };
  expect(statusText(restarted, idle, 1)).toContain('per second   0 HTTP, 0 mount\n');
});

test('a person is told how many commits are kept, what is missing, and which databases are left out', () => {
  const left = Array.from({ length: 7 }, (_, n) => ({ database: `${n}.db`, reason: 'no write-ahead log' }));
  const archive = {
    databases: 2,
    commits: 30,
    bytes: 2 ** 20,
    budgetBytes: 2 ** 30,
    lagBytes: 4096,
    lagMs: 20,
    gaps: 1,
    left,
  };
  const text = statusText({ ...idle, archive }, idle, 1);
  expect(text).toContain('kept         30 commits of 2 databases, 1.0 MiB of 1.0 GiB, 4.0 KiB behind, 1 gaps\n');
  expect(text).toContain('not kept     0.db: no write-ahead log\n');
  expect(text.match(/^not kept/gm)).toHaveLength(6);
  expect(text).toContain('not kept     2 more\n');
});

test('a person is told what is shipped, and what of it is not there yet', () => {
  const ship = {
    url: 's3://bucket/prefix',
    databases: 2,
    lagBytes: 0,
    lagMs: 0,
    filesWritten: 3,
    bytesWritten: 4,
    errors: 0,
    failure: null,
  };
  expect(statusText({ ...idle, ship }, idle, 1)).toContain(
    'shipped      2 databases to s3://bucket/prefix, all of it\n',
  );
  expect(statusText({ ...idle, ship: { ...ship, databases: 1, lagBytes: 2 ** 20, lagMs: 89_100 } }, idle, 1)).toContain(
    'shipped      1 database to s3://bucket/prefix, 1.0 MiB, 1 min behind\n',
  );
  const failure = { message: 'away', since: '2026-01-02T03:04:05.000Z' };
  expect(statusText({ ...idle, ship: { ...ship, failure } }, idle, 1)).not.toContain('all of it');
});
