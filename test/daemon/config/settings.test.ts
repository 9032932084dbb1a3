import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../../daemon/cli/command.ts';
import { commands } from '../../../daemon/cli/command-table.ts';
import { parseArguments } from '../../../daemon/cli/run.ts';
import { archiveByDefault } from '../../../daemon/config/archive-options.ts';
import { checkTogether, loadSettings } from '../../../daemon/config/settings.ts';
import { CommandError } from '../../../daemon/errors.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const startCommand = commands.find(({ name }) => name === 'start') as Command;
const statusCommand = commands.find(({ name }) => name === 'status') as Command;

function load(args: string[], environment: Record<string, string> = {}) {
  const loaded = loadSettings(parseArguments(startCommand, args).flags, environment);
  if (loaded.faults[0]) throw loaded.faults[0];
  return loaded;
}

function configFile(content: string): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, content);
  return path;
}

function refusal(action: () => unknown): CommandError {
  try {
    action();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('precedence', () => {
  test('a flag wins over a variable, that over the file, that over the default', () => {
    const config = configFile('{"log-level":"error","drain":1,"max-body-bytes":"1k","locks":"kernel"}');
    const environment = { HOODY_SQLITE_LOG_LEVEL: 'warn', HOODY_SQLITE_DRAIN: '2', HOODY_SQLITE_CONFIG: config };
    const { settings } = load(['--log-level', 'debug'], environment);
    expect(settings).toMatchObject({
      logLevel: 'debug',
      drainSeconds: 2,
      maxBodyBytes: 1024,
      locks: 'kernel',
      passthrough: 'auto',
    });
  });

  test('without anything the defaults of the documentation hold', () => {
    const { settings, warnings } = load([]);
    expect(settings).toMatchObject({
      mount: '/hoody/databases',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 8484 },
      noMount: false,
      drainSeconds: 10,
      maxBodyBytes: 16 * 1024 * 1024,
      historyMaxAgeSeconds: 30 * 86_400,
      historyMaxOps: 10_000,
    });
    expect(warnings).toEqual([]);
  });

  test('the commits of databases are kept where one says so, within limits that one may set', () => {
    expect(load([]).settings).toMatchObject({
      archive: archiveByDefault,
      archiveRollback: [],
      archiveInclude: [],
      archiveExclude: [],
      archiveEveryCommitSeconds: 7 * 86_400,
      archiveThinnedSeconds: 30 * 86_400,
      archiveBudgetBytes: 0,
    });
    const config = configFile('{"archive-include":["apps/*.db"],"archive-every-commit":"12h"}');
    const globs = ['--archive-rollback', 'old/**', '--archive-exclude', '**/cache.db,tmp/*'];
    const flags = ['--archive', 'wal', ...globs, '--archive-budget', '2TiB'];
    expect(load([...flags, '--config', config], { HOODY_SQLITE_ARCHIVE_THINNED: '90d' }).settings).toMatchObject({
      archive: 'wal',
      archiveRollback: ['old/**'],
      archiveInclude: ['apps/*.db'],
      archiveExclude: ['**/cache.db', 'tmp/*'],
      archiveEveryCommitSeconds: 12 * 3600,
      archiveThinnedSeconds: 90 * 86_400,
      archiveBudgetBytes: 2 * 2 ** 40,
    });
    expect(load(['--archive-budget', 'auto']).settings.archiveBudgetBytes).toBe(0);
  });

  test('a switch can be turned off again by a flag', () => {
    expect(load(['--no-mount=false'], { HOODY_SQLITE_NO_MOUNT: 'true' }).settings.noMount).toBe(false);
  });

  test('a list may be given several times and with commas', () => {
    expect(load(['--allow-host', 'a,b', '--allow-host=c']).settings.allowHost).toEqual(['a', 'b', 'c']);
    expect(load([`--config=${configFile('{"allow-host":["x","y"]}')}`]).settings.allowHost).toEqual(['x', 'y']);
  });

  test('a daemon is looked up by the flag when a variable names another directory', () => {
    const { named } = load(['--data', '/a'], { HOODY_SQLITE_MOUNT: '/b' });
    expect([...named]).toEqual(['data']);
  });
});

describe('refused by name', () => {
  test.each([
    [['--frobnicate'], '--frobnicate'],
    [['-x'], '-x'],
    [['--locks', 'none'], '--locks'],
    [['--drain', 'soon'], '--drain'],
    [['--drain', '-1'], '--drain'],
    [['--listen', '8484'], '--listen'],
    [['--listen', '127.0.0.1:99999'], '--listen'],
    [['--max-body-bytes', '0'], '--max-body-bytes'],
    [['--executor-memory', '64MiB'], '--executor-memory'],
    [['--history-max-ops', '1.5'], '--history-max-ops'],
    [['--archive', 'every'], '--archive'],
    [['--archive-budget', 'much'], '--archive-budget'],
    [['--archive-every-commit', 'week'], '--archive-every-commit'],
    [['--no-mount=maybe'], '--no-mount'],
    [['--data', ''], '--data'],
    [['--data'], '--data'],
    [['--data', '/a', '--data', '/b'], '--data'],
    [['stray'], 'stray'],
  ])('%j', (args, named) => {
    const error = refusal(() => load(args));
    expect(error.message).toContain(named);
    expect(error.exitCode).toBe(2);
  });

  test('a flag that belongs to another command', () => {
    expect(refusal(() => parseArguments(statusCommand, ['--listen', ':1'])).message).toContain('--listen');
  });

  test('a bad value of a variable, by the name of the variable', () => {
    expect(refusal(() => load([], { HOODY_SQLITE_LOCKS: 'x' })).message).toContain('HOODY_SQLITE_LOCKS');
  });

  test.each([
    ['{"mont":"/x"}', 'mont'],
    ['{"drain":true}', 'drain'],
    ['{"no-mount":"perhaps"}', 'no-mount'],
    ['{"allow-host":[1]}', 'allow-host'],
    ['{"config":"other.json"}', 'config'],
    ['[]', 'config.json'],
    ['{', 'config.json'],
  ])('in the file: %s', (content, named) => {
    expect(refusal(() => load(['--config', configFile(content)])).message).toContain(named);
  });

  test('a file that does not exist', () => {
    expect(refusal(() => load(['--config', join(folder, 'absent')])).message).toContain('absent');
  });
});

test('an unknown variable is only warned about', () => {
  const { warnings } = load([], { HOODY_SQLITE_PORT_8484_TCP: 'tcp://10.0.0.1:8484' });
  expect(warnings).toEqual([expect.stringContaining('HOODY_SQLITE_PORT_8484_TCP')]);
});

describe('an address that other machines can reach', () => {
  test.each(['0.0.0.0:1', '[::]:1', '192.168.1.5:1', 'db.example:1'])('%s is refused', (listen) => {
    const error = refusal(() => checkTogether(load(['--listen', listen]).settings));
    expect(error.message).toContain(`--listen: refusing to listen on http://${listen}: no token file is set`);
    expect(error.hint).toContain('--insecure');
  });

  test.each([['127.0.0.1:1'], ['127.1.2.3:1'], ['[::1]:1'], ['localhost:1'], ['unix:/tmp/s'], [':1']])(
    '%s is none',
    (listen) => {
      expect(() => checkTogether(load(['--listen', listen]).settings)).not.toThrow();
    },
  );

  test.each([['--insecure'], ['--auth-token-file=/etc/tokens']])('%s allows it', (flag) => {
    expect(() => checkTogether(load(['--listen', '0.0.0.0:1', flag]).settings)).not.toThrow();
  });
});

test('constants of the lock coordinator are set by name, and an unknown one is refused by name', () => {
  const { settings } = load(['--lock-limit', 'queueMs=8000', '--lock-limit', 'sliceMs=0']);
  expect(settings.lockLimits).toEqual({ queueMs: 8000, sliceMs: 0 });
  expect(refusal(() => load(['--lock-limit', 'patience=1'])).message).toContain('"patience" is none of queueMs');
  expect(refusal(() => load(['--lock-limit', 'queueMs=soon'])).message).toContain('expected queueMs=NUMBER');
});

describe('the place of --ship', () => {
  test.each(['s3://bucket/prefix?region=eu-west-1', 'file:///mnt/nas', '/mnt/nas'])('may be %s', (url) => {
    const { settings } = load(['--archive', 'wal', '--ship', url]);
    expect(settings.ship).toBe(url);
    expect(() => checkTogether(settings)).not.toThrow();
    expect(load(['--ship', 'off'], { HOODY_SQLITE_SHIP: url }).settings.ship).toBeUndefined();
  });

  test('needs commits that are kept', () => {
    const { settings } = load(['--archive', 'off', '--ship', '/mnt/nas']);
    expect(refusal(() => checkTogether(settings)).hint).toBe('leave --archive off out');
  });

  test.each([
    's3://KEY:hush@bucket',
    's3://hush@bucket',
    's3://bucket?secret-access-key=hush',
    's3://b?endpoint=https://me:hush@host',
    'ftp://hush',
    'hush',
  ])('is no %s, and what was given is not repeated', (url) => {
    for (const fault of [
      () => load(['--ship', url]),
      () => load([], { HOODY_SQLITE_SHIP: url }),
      () => load(['--config', configFile(JSON.stringify({ ship: url }))]),
      () => load(['--config', configFile(JSON.stringify({ ship: [url] }))]),
    ]) {
      const { exitCode, message, hint } = refusal(fault);
      expect(exitCode).toBe(2);
      expect(`${message} ${hint}`).not.toContain('hush');
    }
  });
});

describe('what is not refused at once', () => {
  test('every fault is collected, flags first, and the settings without it hold', () => {
    const config = configFile('{"drain":"soon","mont":"/x","log-level":"warn"}');
    const { flags } = parseArguments(startCommand, ['--config', config, '--locks', 'none', '--data=/a', '--data=/b']);
    const service = { path: '/etc/default/x', variables: { HOODY_SQLITE_LISTEN: '8484', HOODY_SQLITE_TYPO: '1' } };
    const { settings, faults, warnings } = loadSettings(flags, { HOODY_SQLITE_MAX_BODY_BYTES: '-1' }, service);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('--locks: expected one of'),
      expect.stringContaining('--data is given more than once'),
      expect.stringContaining('HOODY_SQLITE_MAX_BODY_BYTES: expected'),
      expect.stringContaining('/etc/default/x: HOODY_SQLITE_LISTEN: expected'),
      expect.stringContaining('"drain": expected'),
      expect.stringContaining('unknown key "mont"'),
    ]);
    expect(settings).toMatchObject({ locks: 'coordinated', drainSeconds: 10, logLevel: 'warn' });
    expect(warnings).toEqual(['/etc/default/x: unknown variable HOODY_SQLITE_TYPO is ignored']);
  });

  test('each value says where it comes from', () => {
    const config = configFile('{"log-level":"error","drain":1,"history-max-ops":2,"max-body-bytes":3}');
    const { flags } = parseArguments(startCommand, ['--log-level', 'debug']);
    const variables = { HOODY_SQLITE_CONFIG: config, HOODY_SQLITE_DRAIN: '2', HOODY_SQLITE_HISTORY_MAX_OPS: '4' };
    const { origins, settings } = loadSettings(flags, { HOODY_SQLITE_DRAIN: '3' }, { path: '/etc/d', variables });
    expect(origins.get('logLevel')).toEqual({ from: 'flag', name: '--log-level' });
    expect(origins.get('drainSeconds')).toEqual({ from: 'environment', name: 'HOODY_SQLITE_DRAIN' });
    expect(origins.get('historyMaxOps')).toEqual({ from: 'etc-default', name: '/etc/d' });
    expect(origins.get('maxBodyBytes')).toEqual({ from: 'file', name: config });
    expect(origins.get('mount')).toEqual({ from: 'default', name: null });
    expect(settings).toMatchObject({ logLevel: 'debug', drainSeconds: 3, historyMaxOps: 4, maxBodyBytes: 3 });
  });
});

test('mode and group of a socket file need a socket file', () => {
  const { settings } = load(['--listen', 'unix:/tmp/s', '--socket-mode', '0660', '--socket-group', 'www-data']);
  expect(settings).toMatchObject({ socketMode: 0o660, socketGroup: 'www-data' });
  expect(() => checkTogether(settings)).not.toThrow();
  expect(refusal(() => load(['--socket-mode', '888'])).message).toContain('three octal digits');
  expect(refusal(() => checkTogether(load(['--socket-mode', '660']).settings)).hint).toContain('unix:/path');
});
