// The unit that service install writes: the packaged one with this program, these flags and these directories.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { SettingName } from '../../../daemon/config/options.ts';
import { loadSettings } from '../../../daemon/config/settings.ts';
import { unitText } from '../../../daemon/systemd/service-unit.ts';

const template = readFileSync(resolve(import.meta.dirname, '../../../systemd/hoody-sqlite.service'), 'utf8');

function lineOf(key: string, flags: [SettingName, string[]][]): string | undefined {
  const given = new Map(flags);
  const { settings } = loadSettings(given, {});
  const unit = unitText(template, { program: ['/usr/bin/node', '/opt/main.js'], settings, flags: given });
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
}

test('the program starts with the flags given and requires the mount', () => {
  expect(lineOf('ExecStart', [['listen', ['127.0.0.1:9000']]])).toBe(
    '/usr/bin/node /opt/main.js start --require-mount --listen 127.0.0.1:9000',
  );
});

test('a service without a mount does not require one', () => {
  expect(lineOf('ExecStart', [['noMount', ['true']]])).toBe('/usr/bin/node /opt/main.js start --no-mount=true');
});

test('relative paths are made absolute, and what systemd would read otherwise is quoted', () => {
  expect(lineOf('ExecStart', [['data', ['my data']]])).toContain(`--data "${join(process.cwd(), 'my data')}"`);
  expect(lineOf('ExecStart', [['data', ['/d/100%$x"']]])).toContain('--data "/d/100%%$$x\\""');
});

test('the directories must be there first, and a stop has time for the drain', () => {
  expect(
    lineOf('RequiresMountsFor', [
      ['data', ['/srv/db']],
      ['stateDir', ['/srv/state']],
    ]),
  ).toBe('/srv/db /srv/state');
  expect(lineOf('TimeoutStopSec', [['drainSeconds', ['60']]])).toBe('80');
});

test('a reload names the daemon by its pid: variables decide on which directories it runs', () => {
  expect(lineOf('ExecReload', [['data', ['/srv/db']]])).toBe('/usr/bin/node /opt/main.js reload $MAINPID');
  expect(lineOf('ExecReload', [['runDir', ['/run/other']]])).toBe(
    '/usr/bin/node /opt/main.js reload --run-dir /run/other $MAINPID',
  );
});

test('a template without one of the lines is refused', () => {
  const { settings } = loadSettings(new Map(), {});
  expect(() => unitText('[Service]\n', { program: ['node', 'main.js'], settings, flags: new Map() })).toThrow(
    /no line/,
  );
});
