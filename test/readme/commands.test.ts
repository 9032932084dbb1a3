// Types the commands of docs/operations.md, and of the README's section "How to leave", as they are printed, in a
// booted Debian with systemd. The lines of npm are left out: the program is there already. test/systemd/deb.test.ts has
// the Debian package.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { type Machine, withMachine } from '../helpers/machine.ts';

/** The commands of the `sh` blocks below this heading, without its parts: what is typed, and the comment behind it. */
function typed(page: string, heading: string): { command: string; comment: string }[] {
  const text = readFileSync(resolve(import.meta.dirname, '../..', page), 'utf8');
  const section = text.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap((block) => (block[1] ?? '').trim().split('\n'));
  expect(lines.length, heading).toBeGreaterThan(0);
  return lines
    .map((line) => line.split(/\s+# /))
    .map(([command = '', comment = '']) => ({ command, comment }))
    .filter(({ command }) => !command.startsWith('npm '));
}

/** Every command succeeds, but for those whose comment says `refuses`. */
async function type(machine: Machine, page: string, heading: string): Promise<void> {
  for (const { command, comment } of typed(page, heading)) {
    const done = await machine.sh(`cd && bash -c '${command.replaceAll("'", "'\\''")}'`);
    expect(done, `${command}\n${done.stderr}`).toMatchObject({ code: comment.startsWith('refuses') ? 1 : 0 });
  }
}

const operations = 'docs/operations.md';
const query = "sqlite3 /hoody/databases/app.db 'SELECT x FROM t'";

describe.skipIf(!canRunContainers)('the commands of the pages', () => {
  prepareDebianRoot();

  test('install, back up, restore, upgrade and leave, as printed', async () => {
    await withMachine(async (machine) => {
      await type(machine, operations, 'Install as a service');
      await type(machine, operations, 'Shell completion and man page');
      await machine.ok(
        `mkdir /backup && sqlite3 /hoody/databases/app.db 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'`,
      );
      await type(machine, operations, 'Backup');
      await machine.ok(`sqlite3 /hoody/databases/app.db 'UPDATE t SET x = 2'`);
      await type(machine, operations, 'Restore');
      expect(await machine.ok(query)).toBe('1');
      await type(machine, operations, 'Upgrade');
      expect(await machine.ok(query)).toBe('1');

      await machine.ok('mkdir /new');
      await type(machine, 'README.md', 'How to leave');
      expect(await machine.ok(query.replace('/hoody/databases', '/new/place'))).toBe('1');
      expect(await machine.ok('ls -A /hoody/databases && rmdir /hoody/databases')).toBe('');
    });
  });
});
