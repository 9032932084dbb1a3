// The time line of a database: a mistake is found, looked at, taken back and brought back, and somebody else's commit
// appears.
import { join } from 'node:path';
import { expect } from 'vitest';
import { axeFindings, screens, browserTest as test, withStudio } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const pictures = process.env.HOODY_SQLITE_PICTURES;

test('a mistake is found, looked at, rewound in two clicks and undone', () =>
  withStudio(
    async ({ daemon, open }) => {
      const client = new SqliteClient();
      try {
        const run = async (...sql: string[]) => expect((await client.run(sql)).error).toBe(null);
        const names = async () => (await client.run('SELECT count(DISTINCT name) FROM users')).rows;
        await client.open(join(daemon.mount, 'app.db'), { timeout: 30 });
        await run('PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)');
        await run("INSERT INTO users VALUES (9007199254740993, 'Ada'), (2, 'Bob')");
        await run('CREATE TABLE other(a)');
        const page = await open('#/past?db=app.db');
        const lines = page.getByRole('list', { name: 'Commits' }).getByRole('button');
        await lines.filter({ hasText: 'python3' }).first().waitFor();
        const before = await lines.count();
        await run("UPDATE users SET name = 'lost'");
        await eventually(async () => expect(await lines.count()).toBeGreaterThan(before));

        await lines.first().click();
        const changes = page.getByRole('region', { name: 'Changes' });
        await changes.getByText('2 changed').click();
        await changes.getByText('- {"id":"9007199254740993","name":"Ada"}').waitFor();
        await lines.filter({ hasText: 'other' }).first().click();
        const preview = page.getByRole('region', { name: 'Preview' });
        await preview.getByRole('combobox').selectOption('users');
        await preview.getByRole('gridcell', { name: '9007199254740993' }).waitFor();
        await preview.getByRole('gridcell', { name: 'Bob' }).waitFor();

        await page.getByRole('button', { name: 'Rewind to here' }).click();
        const dialog = page.getByRole('dialog', { name: 'Rewind the database' });
        await dialog.getByText('2 changed').waitFor();
        await dialog.getByText('python3').waitFor();
        expect(await names()).toEqual([[1]]);
        await dialog.getByRole('button', { name: 'Rewind app.db' }).click();
        const messages = page.getByRole('region', { name: 'Messages' });
        await messages.getByRole('button', { name: 'Undo' }).waitFor();
        expect(await names()).toEqual([[2]]);
        await messages.getByRole('button', { name: 'Undo' }).click();
        await messages.getByText('before the rewind').waitFor();
        expect(await names()).toEqual([[1]]);
        await lines.filter({ hasText: 'rewind' }).first().waitFor();

        await page.getByRole('button', { name: 'Copy to a new database' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Copy', exact: true }).click();
        await messages.getByText('app-then.db holds that moment').waitFor();
        await page.getByRole('combobox', { name: 'Table' }).first().selectOption('other');
        await eventually(async () => expect(await lines.count()).toBeLessThan(before));
        await page.context().close();
        for (const { name, viewport } of screens) {
          const looked = await open('#/past?db=app.db', {
            viewport,
            reducedMotion: 'reduce',
          });
          await looked.getByRole('list', { name: 'Commits' }).getByRole('button').first().click();
          await looked.getByRole('region', { name: 'Preview' }).getByRole('grid').waitFor();
          expect(await axeFindings(looked), name).toEqual([]);
          if (pictures !== undefined) {
            for (const colorScheme of ['light', 'dark'] as const) {
              await looked.emulateMedia({ colorScheme });
              await looked.screenshot({ path: join(pictures, `past-${name}-${colorScheme}.png`) });
            }
          }
          await looked.context().close();
        }
      } finally {
        client.kill();
      }
    },
    ['--archive', 'wal', '--create-on-write'],
  ));

test('where no past is kept the page says how to keep it', () =>
  withStudio(
    async ({ daemon, open }) => {
      const made = await fetch(`${daemon.url}/api/v1/sqlite/db/create?path=plain.db`, { method: 'POST' });
      expect(made.status).toBe(201);
      const page = await open('#/past?db=plain.db');
      await page.getByText('hoody-sqlite start --archive wal').first().waitFor();
    },
    ['--archive', 'off'],
  ));
