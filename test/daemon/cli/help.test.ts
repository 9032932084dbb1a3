import { expect, test } from 'vitest';
import { commands } from '../../../daemon/cli/command-table.ts';
import { helpText } from '../../../daemon/cli/help.ts';
import { options } from '../../../daemon/config/options.ts';

test('the overview names every command and every exit code', () => {
  const text = helpText(undefined);
  for (const { name } of commands) expect(text).toContain(`\n  ${name} `);
  for (const code of [0, 1, 2, 3, 4]) expect(text).toMatch(new RegExp(`${code} \\w`));
});

test('the help of a command lists each of its flags with its description', () => {
  for (const command of commands) {
    const text = helpText(command).replaceAll(/\s+/g, ' '); // long descriptions go on in the next line
    for (const name of command.settings) {
      expect(text).toContain(`--${options[name].flag}`);
      expect(text).toContain(options[name].description);
    }
    for (const { flag, value, description } of command.values ?? []) {
      expect(text).toContain(`--${flag} ${value}`);
      expect(text).toContain(description);
    }
  }
});
