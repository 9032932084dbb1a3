// `config show|validate` of the built program, with a /etc/default of its own; and a socket file for one group.
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programPath, runProgram, startDaemon, withDaemon, withPaths } from '../helpers/daemon.ts';
import { type Finished, run } from '../helpers/process.ts';

const isRoot = process.getuid?.() === 0;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `config` where /etc/default/hoody-sqlite has this content, which no other process sees. */
function withServiceVariables(
  content: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  writeFileSync(join(folder, 'hoody-sqlite'), content);
  const script = `mount --bind "$1" /etc/default && shift && exec "$@"`;
  const program = [process.execPath, programPath, 'config', ...args];
  return run('unshare', ['-m', 'sh', '-c', script, 'sh', folder, ...program], { env });
}

describe.runIf(isRoot)('config', () => {
  test('show has every option, its value and where it comes from', async () => {
    const config = join(folder, 'config.json');
    writeFileSync(config, '{"history-max-ops": 5}');
    const finished = await withServiceVariables(
      `HOODY_SQLITE_DATA=/srv/db\nHOODY_SQLITE_DRAIN=20\nHOODY_SQLITE_CONFIG=${config}\n`,
      ['show', '--json', '--log-level', 'debug'],
      { HOODY_SQLITE_DRAIN: '30' },
    );
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const { options, faults } = JSON.parse(finished.stdout) as { options: { option: string }[]; faults: unknown[] };
    const file = '/etc/default/hoody-sqlite';
    expect(faults).toEqual([]);
    expect(options).toEqual(
      expect.arrayContaining([
        { option: 'data', value: '/srv/db', from: 'etc-default', name: file },
        { option: 'drain', value: '30', from: 'environment', name: 'HOODY_SQLITE_DRAIN' },
        { option: 'history-max-ops', value: '5', from: 'file', name: config },
        { option: 'log-level', value: 'debug', from: 'flag', name: '--log-level' },
        { option: 'listen', value: '127.0.0.1:8484', from: 'default', name: null },
        { option: 'user', value: null, from: 'default', name: null },
      ]),
    );
    const { stdout } = await withServiceVariables('HOODY_SQLITE_DATA=/srv/db\n', ['show']);
    expect(stdout).toMatch(/^data +\/srv\/db +variables of \/etc\/default\/hoody-sqlite$/m);
    expect(stdout).toMatch(/^history-max-age +30d +default$/m);
    expect(await withServiceVariables('HOODY_SQLITE_DATA=/srv/db\n', ['show', 'data'])).toMatchObject({
      stdout: '/srv/db\n',
    });
  });

  test('validate names every fault, with what to do', async () => {
    const finished = await withServiceVariables('HOODY_SQLITE_DRAIN=soon\nHOODY_SQLITE_TYPO=1\n', [
      'validate',
      ...['--listen', '0.0.0.0:1', '--data', '/hoody', '--user', 'nobody-at-all', '--socket-mode', '600'],
    ]);
    expect(finished).toMatchObject({ code: 1, stderr: '' });
    expect(finished.stdout.split('\n').filter((line) => line.startsWith('FAULT'))).toEqual([
      expect.stringContaining('/etc/default/hoody-sqlite: HOODY_SQLITE_DRAIN: expected'),
      expect.stringContaining('refusing to listen on http://0.0.0.0:1'),
      expect.stringContaining('--socket-mode and --socket-group do not apply'),
      expect.stringContaining('neither may lie in the other'),
      expect.stringContaining('there is no user "nobody-at-all"'),
    ]);
    expect(finished.stdout).toContain('useradd');
    expect(finished.stdout).toContain('unknown variable HOODY_SQLITE_TYPO');
    expect(await withServiceVariables('', ['validate'])).toMatchObject({ code: 0, stderr: '' });
  });
});

test('a token file with a wrong line is a fault, and no start begins with it', async () => {
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, 'full secret\nadmin other\n');
  const { code, stdout } = await runProgram(['config', 'validate', '--json', '--auth-token-file', tokens]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    valid: false,
    faults: [{ message: expect.stringContaining('line 2'), hint: expect.stringContaining('full TOKEN') }],
  });
  expect(stdout).not.toContain('secret');
  await withPaths(async (paths) => {
    const { finished } = startDaemon(paths, ['--no-mount', '--auth-token-file', tokens]);
    expect(await finished).toMatchObject({ code: 2, stderr: expect.stringMatching(/^hoody-sqlite: .*line 2.*\n$/) });
  });
});

test.each([
  [['config', 'sho'], 'sho'],
  [['config'], 'argument'],
  [['config', 'show', 'drian'], 'drian'],
  [['config', 'validate', 'drain'], 'drain'],
])('%j is refused', async (args, named) => {
  expect(await runProgram(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(named) });
});

test.runIf(isRoot)('a socket file serves its group and nobody else', async () => {
  await withPaths(async (paths) => {
    chmodSync(paths.folder, 0o755);
    const path = join(paths.folder, 'http.sock');
    const flags = ['--no-mount', '--listen', `unix:${path}`, '--socket-mode', '660', '--socket-group', 'users'];
    await withDaemon(
      flags,
      async () => {
        expect([(statSync(path).mode & 0o777).toString(8), statSync(path).gid]).toEqual(['660', 100]);
        const ask = `require('node:http').get({ socketPath: process.argv[1], path: '/api/v1/sqlite/health' },
          (answer) => { console.log(answer.statusCode); process.exit(); }).on('error', ({ code }) => console.log(code))`;
        const as = (gid: number) =>
          run('setpriv', ['--reuid=1234', `--regid=${gid}`, '--clear-groups', process.execPath, '-e', ask, path]);
        expect(await as(100)).toMatchObject({ stdout: '200\n' });
        expect(await as(1234)).toMatchObject({ stdout: 'EACCES\n' });
      },
      { paths },
    );
  });
});

test('a group that does not exist, and a form of the log, of a real start', async () => {
  await withPaths(async (paths) => {
    const refused = await startDaemon(paths, [
      '--no-mount',
      ...['--listen', `unix:${join(paths.folder, 's')}`, '--socket-group', 'no-such-group'],
    ]).finished;
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('no group "no-such-group"') });
  });
  await withDaemon(['--no-mount', '--log-format', 'journal'], async (daemon) => {
    expect(daemon.stderr()).toMatch(/^<6>ready pid=\d+ mount=null url=http/m);
  });
});
