// The commands about the past of databases against a control socket that plays the daemon: what they ask it, and what
// they say of its answers.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { commands } from '../../../daemon/cli/command-table.ts';
import { parseArguments } from '../../../daemon/cli/run.ts';
import { loadSettings } from '../../../daemon/config/settings.ts';
import { openControlSocket } from '../../../daemon/control/server.ts';
import { CommandError } from '../../../daemon/errors.ts';
import {
  createInstanceFolder,
  createRunDir,
  currentBootId,
  instanceOf,
  writeRecord,
} from '../../../daemon/instance/instances.ts';

let folder = '';
let control: Server;
let asked: unknown[] = [];
let answers: unknown[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-')));
  const runDir = join(folder, 'run');
  const instance = instanceOf(runDir, '/data');
  createRunDir(runDir);
  createInstanceFolder(instance);
  writeRecord(instance, {
    pid: process.pid,
    data: '/data',
    mount: '/mount',
    connection: null,
    dead: [],
    fs: [],
    bootId: currentBootId(),
  });
  const answer = async (args: unknown) => {
    asked.push(args);
    return answers.shift();
  };
  control = await openControlSocket(instance.controlSocket, { request: answer, archive: answer, status: answer });
});
afterAll(() => {
  control.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  answers = [];
});

const json = (body: object, status = 200) => ({ status, contentType: 'application/json', body: JSON.stringify(body) });

async function run(name: string, ...args: string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  const command = commands.find((row) => row.name === name);
  if (!command) throw new Error(`no command ${name}`);
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    const parsed = parseArguments(command, ['--run-dir', join(folder, 'run'), ...args]);
    const { run: runIt } = await command.load();
    return { code: await runIt({ ...parsed, ...loadSettings(parsed.flags, {}) }), stdout };
  } finally {
    write.mockRestore();
  }
}

async function refusal(name: string, ...args: string[]): Promise<CommandError> {
  const error = await run(name, ...args).catch((thrown: unknown) => thrown);
  if (!(error instanceof CommandError)) throw new Error('it is not refused', { cause: error });
  return error;
}

function targets(): { readonly method: string; readonly path: string; readonly query: Record<string, string> }[] {
  return (asked as { method: string; target: string }[]).map(({ method, target }) => {
    const url = new URL(target, 'http://x');
    expect(url.searchParams.get('timeout')).toBe('300');
    url.searchParams.delete('timeout');
    return { method, path: url.pathname, query: Object.fromEntries(url.searchParams) };
  });
}

const moment = { bookmark: '00000001-000000000002', time: '2026-11-28T12:00:00.000Z' };
const planned = {
  from: moment,
  to: moment,
  is_complete: true,
  commits_undone: 1,
  tables: [{ table: 'users', change: 'changed', rows_added: 3, rows_removed: 0, rows_changed: 0 }],
  objects: [],
  open_by: [],
};
const done = { to: moment, changed: true, previous_bookmark: '00000001-000000000009' };

test('history asks for the newest commits, in the window that is named', async () => {
  answers = [json({ commits: [], next_before: null, oldest: null })];
  const flags = [
    '--since',
    '1795780800',
    '--until=2026-11-27T12:00:01.5Z',
    '--before',
    '00000001-000000000002',
    '--limit',
    '5',
    '--table',
    'users',
  ];
  expect(await run('history', 'app', ...flags)).toMatchObject({ code: 0, stdout: 'no commit is kept of that time\n' });
  expect(targets()).toEqual([
    {
      method: 'GET',
      path: '/api/v1/sqlite/db/history',
      query: {
        db: '/mount/app.db',
        since: '1795780800',
        until: '1795780801.5',
        before: '00000001-000000000002',
        limit: '5',
        table: 'users',
        tables: 'true',
      },
    },
  ]);
});

test('with --json the answer of the server is printed as it is', async () => {
  answers = [json({ commits: [], next_before: null, oldest: null, more: { x: 1 } })];
  const { stdout } = await run('history', 'app', '--json');
  expect(JSON.parse(stdout)).toEqual({ commits: [], next_before: null, oldest: null, more: { x: 1 } });
});

test('a refusal of the server is the error of the command', async () => {
  answers = [json({ error: 'commits are not kept: the daemon runs with --archive off', code: 'NOT_ARCHIVED' }, 404)];
  expect(await refusal('history', 'app')).toMatchObject({
    exitCode: 1,
    message: 'commits are not kept: the daemon runs with --archive off',
  });
});

describe('a rewind', () => {
  test('that is a dry run is shown and not made', async () => {
    answers = [json(planned)];
    const { stdout } = await run('rewind', 'app', '--to', moment.bookmark, '--dry-run');
    expect(stdout).toContain('users  changed           3        0        0\n');
    expect(stdout).toMatch(/nothing was changed: this was a dry run\n$/);
    expect(targets()).toEqual([
      { method: 'POST', path: '/api/v1/sqlite/db/rewind', query: { db: '/mount/app.db', at: moment.bookmark } },
    ]);
  });

  test('with --yes is made at once', async () => {
    answers = [json(done)];
    const beforeS = Date.now() / 1000;
    const { stdout } = await run('rewind', 'app.db', '--at', '10 minutes ago', '--yes');
    expect(stdout).toContain('app.db is as it was at ');
    expect(stdout).toContain('; hoody-sqlite undo app.db takes that back\n');
    const [{ query } = { query: {} as Record<string, string> }] = targets();
    expect(query).toMatchObject({ db: '/mount/app.db', confirm: 'yes' });
    expect(Number(query.at)).toBeGreaterThanOrEqual(beforeS - 600);
    expect(Number(query.at)).toBeLessThanOrEqual(Date.now() / 1000 - 600);
  });

  test('is not made where nobody can be asked', async () => {
    const isTTY = process.stdin.isTTY;
    process.stdin.isTTY = false;
    try {
      expect(await refusal('rewind', 'app', '--at', '2h')).toMatchObject({ exitCode: 2 });
      expect(await refusal('undo', 'app')).toMatchObject({ exitCode: 2 });
      process.stdin.isTTY = true;
      expect(await refusal('undo', 'app', '--json')).toMatchObject({ exitCode: 2 });
    } finally {
      process.stdin.isTTY = isTTY;
    }
    expect(asked).toEqual([]);
  });

  test.each([[[]], [['--at', '1h', '--to', moment.bookmark]], [['--at', 'soon']], [['--to', '1-2']]])(
    'with the flags %j is refused before anything is asked',
    async (flags) => {
      expect(await refusal('rewind', 'app', '--yes', ...flags)).toMatchObject({ exitCode: 2 });
      expect(asked).toEqual([]);
    },
  );

  test('is taken back by undo', async () => {
    answers = [json(done)];
    await run('undo', 'app', '--yes');
    expect(targets()).toEqual([
      { method: 'POST', path: '/api/v1/sqlite/db/undo', query: { db: '/mount/app.db', confirm: 'yes' } },
    ]);
  });

  test('to the state that is there already says so', async () => {
    answers = [json({ ...done, changed: false })];
    expect((await run('rewind', 'app', '--at', 'now', '--yes')).stdout).toMatch(/ already\n$/);
  });
});

test('fork names the new database by its path', async () => {
  answers = [json({ moment, size: 4096 }, 201)];
  expect((await run('fork', 'app', 'dir/new', '--to', moment.bookmark)).stdout).toContain(
    'dir/new.db holds what app held',
  );
  expect(targets()[0]).toMatchObject({ query: { db: '/mount/app.db', to: '/mount/dir/new.db', at: moment.bookmark } });
});

test('diff compares with now unless told otherwise, and prints SQL as it comes', async () => {
  answers = [json(planned), { status: 200, contentType: 'text/plain; charset=utf-8', body: 'BEGIN;\nCOMMIT;\n' }];
  await run('diff', 'app', moment.bookmark, '--rows');
  expect(targets()[0]).toMatchObject({
    method: 'GET',
    query: { db: '/mount/app.db', from: moment.bookmark, to: 'now', rows: '1000' },
  });
  const { stdout } = await run('diff', 'app', moment.bookmark, moment.bookmark, '--sql', '--table', 't');
  expect(stdout).toBe('BEGIN;\nCOMMIT;\n');
  expect(targets()[1]).toMatchObject({ query: { format: 'sql', to: moment.bookmark, table: 't' } });
});

test('query asks the state of a moment, or the newest', async () => {
  const answer = { columns: ['a+b'], resultSet: [{ 'a+b': 3 }], truncated: false };
  answers = [json(answer), json(answer)];
  expect((await run('query', 'app', 'SELECT 1+2 AS "a+b"', '--at', moment.bookmark)).stdout).toBe('a+b\n3\n');
  await run('query', 'app', 'SELECT 1');
  expect(targets().map(({ query }) => query)).toEqual([
    { db: '/mount/app.db', sql: 'SELECT 1+2 AS "a+b"', at: moment.bookmark },
    { db: '/mount/app.db', sql: 'SELECT 1' },
  ]);
});

describe('archive', () => {
  const ok = (value: unknown) => ({ ok: true, value });
  const status = { databases: [], bytes: 10, budgetBytes: 100 };

  test('verify fails where a commit is damaged', async () => {
    answers = [ok({ commits: 3, faults: [] }), ok({ commits: 3, faults: ['app.db: commit 2: wrong hash'] })];
    expect(await run('archive', 'verify')).toEqual({ code: 0, stdout: '3 commits are sound\n' });
    expect(await run('archive', 'verify', 'app')).toEqual({ code: 1, stdout: 'app.db: commit 2: wrong hash\n' });
    expect(asked).toEqual([{ op: 'verify' }, { op: 'verify', database: 'app.db' }]);
  });

  test('prune says what is free again', async () => {
    answers = [ok(status), ok(null), ok({ ...status, bytes: 4 })];
    expect((await run('archive', 'prune', '--before', '1795780800')).stdout).toBe('6 B are free again, 4 B are kept\n');
    expect(asked[1]).toEqual({ op: 'prune', beforeMs: 1_795_780_800_000 });
  });

  test('status shows all, and an error of the archive process is that of the command', async () => {
    answers = [ok(status), { ok: false, code: 'not-archived', message: 'commits are not kept' }];
    expect((await run('archive', 'status')).stdout).toContain('0 commits of 0 databases');
    expect(await refusal('archive', 'status')).toMatchObject({ exitCode: 1, message: 'commits are not kept' });
    expect(await refusal('archive', 'export')).toMatchObject({ exitCode: 2 });
    expect(await refusal('archive', 'prune', '--before', moment.bookmark)).toMatchObject({ exitCode: 2 });
  });

  test('export reads the state directory of the daemon, or the one that is named', async () => {
    const exported = ['archive', 'export', 'app', '--to', join(folder, 'exported')] as const;
    const refusedWith = async (...args: string[]) => {
      answers = [ok(null), { stateDir: '/nowhere/daemon' }];
      return (await refusal(...exported, ...args)).message;
    };
    expect(await refusedWith()).toBe('there is no archive in /nowhere/daemon/archive');
    expect(await refusedWith('--state-dir', '/nowhere/named')).toBe('there is no archive in /nowhere/named/archive');
  });
});

test.each([
  [['set'], 'no database is named'],
  [['set', 'app'], 'no tier is named'],
  [['keep', 'app', 'rma'], '"rma" is no tier'],
])('tier %j is refused by what is missing or wrong', async (args, message) => {
  expect(await refusal('tier', ...args)).toMatchObject({ exitCode: 2, message });
});

test.each([
  [['app', '--since']],
  [['app', '--limit', '0']],
  [['app', '--limit', '1', '--limit', '2']],
  [['app', '--at', '1h']],
  [['app', '--since', '00000001-000000000002']],
])('history %j is a typing error', async (args) => {
  expect(await refusal('history', ...args)).toMatchObject({ exitCode: 2 });
  expect(asked).toEqual([]);
});
