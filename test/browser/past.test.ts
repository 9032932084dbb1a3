// The time line of a database: a mistake is found, looked at, taken back and brought back, and somebody else's commit
// appears.
import { join } from 'node:path';
import type { Route } from 'playwright-core';
import { expect } from 'vitest';
import { axeFindings, screens, browserTest as test, withStudio } from '../helpers/browser.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const pictures = process.env.HOODY_SQLITE_PICTURES;

/** Until the past has this table or index. What is archived after a page has asked, it shows with the next commit. */
async function archived(daemon: Daemon, name: string): Promise<void> {
  const url = `/query?db=app.db&at=now&sql=SELECT+count(*)+AS+n+FROM+sqlite_schema+WHERE+name='${name}'`;
  const look = async () => expect((await apiOf(daemon).call('GET', url)).json.resultSet).toEqual([{ n: 1 }]);
  await eventually(look, { timeoutMs: 60_000 });
}

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
        await archived(daemon, 'other');
        const page = await open('#/past?db=app.db');
        const lines = page.getByRole('list', { name: 'Commits' }).getByRole('button');
        await lines.filter({ hasText: 'python3' }).first().waitFor();
        const before = await lines.count();
        // The archive of a busy machine has the commit only when the page asks again.
        const history = (url: URL) => url.pathname.endsWith('/db/history');
        const early = await (await fetch(`${daemon.url}/api/v1/sqlite/db/history?db=app.db&tables=true`)).text();
        const answerEarly = (route: Route) => route.fulfill({ contentType: 'application/json', body: early });
        await page.route(history, answerEarly, { times: 2 });
        await run("UPDATE users SET name = 'lost'");
        await eventually(async () => expect(await lines.count()).toBeGreaterThan(before));
        await page.unroute(history);

        await lines.first().click();
        const changes = page.getByRole('region', { name: 'Changes' });
        await changes.getByText('2 changed').waitFor();
        const ada = changes.getByRole('listitem').filter({ hasText: 'id 9007199254740993' });
        await ada
          .filter({ has: page.locator('del', { hasText: 'Ada' }) })
          .filter({ hasText: 'lost' })
          .waitFor();
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

test('any two moments are compared: by mouse, by keyboard, by their address, and on a phone', () =>
  withStudio(
    async ({ daemon, open }) => {
      const client = new SqliteClient();
      try {
        const run = async (...sql: string[]) => expect((await client.run(sql)).error).toBe(null);
        await client.open(join(daemon.mount, 'app.db'), { timeout: 30 });
        await run('PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)');
        await run("INSERT INTO users VALUES (1, 'Ada', 36), (2, 'Bob', 41)");
        await run("UPDATE users SET name = 'Bert' WHERE id = 2");
        await run('CREATE TABLE other(a)', 'INSERT INTO other VALUES (7)');
        await run('DELETE FROM users WHERE id = 1', 'CREATE INDEX names ON users(name)');
        await archived(daemon, 'names');
        const page = await open('#/past?db=app.db');
        const lines = page.getByRole('list', { name: 'Commits' }).getByRole('button');
        await eventually(async () => expect(await lines.count()).toBeGreaterThan(6));
        const changes = page.getByRole('region', { name: 'Changes' });
        const row = (text: string) => changes.getByRole('listitem').filter({ hasText: text });
        const expectAll = async () => {
          await changes.getByText('+1').first().waitFor();
          await row('Bert').waitFor();
          await row('index names').waitFor();
        };
        // From the empty table to the newest commit: what was inserted and deleted in between is seen in neither.
        await lines.first().click();
        const empty = lines.filter({ hasText: 'users' }).last();
        await empty.click({ modifiers: ['Shift'] });
        await row('id 2').waitFor();
        await expectAll();
        expect(await row('Ada').count()).toBe(0);
        expect(await lines.filter({ hasText: 'compared' }).count()).toBe(1);

        // The address shows the same, also in the other order, and where one of the two is not in the list.
        const address = new URL(page.url()).hash;
        const [at, from] = ['at', 'from'].map((name) => new URLSearchParams(address.split('?')[1]).get(name));
        const phone = await open(`#/past?db=app.db&at=${from}&from=${at}`, { viewport: { width: 390, height: 844 } });
        await phone
          .getByRole('region', { name: 'Changes' })
          .getByRole('listitem')
          .filter({ hasText: 'Bert' })
          .waitFor();
        const choice = phone.getByRole('combobox', { name: 'Compare with' });
        await choice.selectOption('a time ...');
        // The next whole second, as soon as it is not in the future.
        const second = Math.ceil(Date.now() / 1000) * 1000;
        const text = `(() => { const t = ${second}; return new Date(t - new Date(t).getTimezoneOffset() * 60000).toISOString().slice(0, 19); })()`;
        await eventually(() => expect(Date.now()).toBeGreaterThan(second));
        await phone.getByLabel('Time to compare with').fill(String(await phone.evaluate(text)));
        await phone.getByRole('button', { name: 'Compare', exact: true }).click();
        await phone.getByText('index names').waitFor();
        const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await phone.evaluate(wide)).toBe(0);

        // By keyboard alone: the arrows go through the list.
        await page.getByRole('button', { name: 'Close the moment' }).click();
        await lines.first().focus();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await page.getByRole('combobox', { name: 'Compare with' }).focus();
        await page.keyboard.type('now');
        await row('index names').waitFor();
        if (pictures !== undefined) {
          for (const colorScheme of ['light', 'dark'] as const) {
            for (const [name, one] of [['desktop', page] as const, ['phone', phone] as const]) {
              await one.emulateMedia({ colorScheme });
              await one.screenshot({ path: join(pictures, `compare-${name}-${colorScheme}.png`) });
            }
          }
        }
        for (const one of [page, phone]) expect(await axeFindings(one)).toEqual([]);
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
