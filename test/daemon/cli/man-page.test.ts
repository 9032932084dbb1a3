// The man page as man(1) shows it, without a warning of groff.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { commands } from '../../../daemon/cli/command-table.ts';
import { manPage } from '../../../daemon/cli/man-page.ts';
import { options, settingNames, variableOf } from '../../../daemon/config/options.ts';

const page = manPage(commands, '1.2.3');
const hasGroff = spawnSync('which', ['groff']).status === 0;

test.runIf(hasGroff)('groff has no complaint, and shows every command, option, variable and exit code', () => {
  const { stdout, stderr } = spawnSync('groff', ['-man', '-ww', '-Tascii', '-P-cbou', '-rLL=200n'], {
    input: page,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  for (const { name, switches = [], values = [] } of commands) {
    expect(stdout).toMatch(new RegExp(`^ +${name}\\b`, 'm'));
    for (const { flag } of switches) expect(stdout).toContain(`--${flag}`);
    for (const { flag, value } of values) expect(stdout).toContain(`--${flag} ${value}`);
  }
  for (const name of settingNames) {
    expect(stdout).toContain(`--${options[name].flag}${options[name].value === null ? '' : ` ${options[name].value}`}`);
    expect(stdout).toContain(variableOf(name));
  }
  expect(stdout).toMatch(/^ +3 +no daemon runs$/m);
  expect(stdout).toContain('hoody-sqlite 1.2.3');
});

test('no text of the tables can become a request of groff', () => {
  const odd = { ...commands[0], name: 'odd', summary: ".so /etc/passwd \\fB 'x'" } as (typeof commands)[number];
  const text = manPage([odd], '1');
  expect(text).not.toMatch(/^[.']so/m);
  expect(text).toContain('.so /etc/passwd \\efB \\(aqx\\(aq'.replace('.so', '\\&.so'));
});
