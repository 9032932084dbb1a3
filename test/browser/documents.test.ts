// Several tables and queries open at once: the row of them, its keys, what each keeps, and a reload.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe as anyDescribe, expect, test } from 'vitest';
import { axeFindings, hasChromium, message, type Studio, screens, studioOfFile } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';

const describe = anyDescribe.skipIf(!hasChromium);
const makeTables = resolve(import.meta.dirname, 'tables.py');
const withStudio = studioOfFile();
let databases = 0;

function withTables(run: (studio: Studio, db: string) => Promise<unknown>): Promise<void> {
  return withStudio((studio) => {
    databases += 1;
    const db = `documents${databases}.db`;
    execFileSync('python3', [makeTables, join(studio.daemon.root, db)]);
    return run(studio, db);
  });
}

const cell = (row: number, column: number) => `[data-place="${row}:${column}"]`;
const row = (page: Page) => page.getByRole('navigation', { name: 'Open tables and queries' });
const titles = (page: Page) => row(page).getByRole('link').allTextContents();
const shown = (page: Page) => row(page).locator('[aria-current="page"]').textContent();
const firstRow = (page: Page) => page.locator('.grid-row:not(.is-outside) .grid-cell').first().textContent();
const editor = '.cm-content';

async function type(page: Page, sql: string): Promise<void> {
  await page.locator(editor).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(sql);
}

describe('open documents', () => {
  test('tables keep filters, order, place and cursor; queries keep text, undo and results', () =>
    withTables(async ({ open }, db) => {
      const page = await open(`#/tables?db=${db}&table=users&sort=${encodeURIComponent('[["id","desc"]]')}`);
      await page.locator(cell(0, 0)).waitFor();
      await eventually(async () => {
        // It is as high as all rows only once they are counted.
        await page.locator('.grid').evaluate((grid) => {
          grid.scrollTop = 30 * 700;
        });
        expect(await firstRow(page)).toBe(String(2000 - 700 + 6));
      });
      await page.locator('.grid-row:not(.is-outside) .grid-cell').nth(41).click();
      const cursor = await page.evaluate('document.activeElement.dataset.place');

      await page.getByRole('link', { name: 'orders' }).click();
      await page.getByRole('heading', { name: 'orders' }).waitFor();
      await page.getByRole('button', { name: 'New query' }).click();
      await type(page, 'SELECT 41 + 1 AS answer');
      await page.keyboard.press('Control+Enter');
      await page.getByRole('gridcell', { name: '42' }).waitFor();
      await type(page, 'SELECT something else');
      await page.keyboard.press('Alt+N');
      await eventually(async () => expect(await shown(page)).toBe('SQL 2'));
      await eventually(async () => expect(await page.locator(editor).textContent()).toContain('SELECT ...'));
      expect(await titles(page)).toEqual(['users', 'orders', 'SQL 1', 'SQL 2']);

      await row(page).getByRole('link', { name: 'SQL 1' }).click();
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT something else'));
      await page.getByRole('gridcell', { name: '42' }).waitFor();
      await page.locator(editor).click();
      await page.keyboard.press('Control+Z');
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 41 + 1 AS answer'));

      await page.getByRole('link', { name: 'users' }).first().click(); // of the list at the side
      for (const _ of ['switch', 'reload']) {
        await eventually(async () => expect(await firstRow(page)).toBe(String(2000 - 700 + 6)));
        expect(page.url()).toContain('sort=');
        expect(await page.locator('.grid [tabindex="0"]').getAttribute('data-place')).toBe(cursor);
        await page.reload();
      }
      await eventually(async () => expect(await titles(page)).toEqual(['users', 'orders', 'SQL 1', 'SQL 2']));
    }));

  test('by keys: the next, the one before, a new one, close; the focus goes along', () =>
    withTables(async ({ open }, db) => {
      const page = await open(`#/tables?db=${db}&table=users`);
      await page.locator(cell(0, 0)).waitFor();
      await page.goto(page.url().replace('users', 'orders'));
      await eventually(async () => expect(await shown(page)).toBe('orders'));
      await page.locator(cell(2, 1)).click();
      await page.keyboard.press('Alt+PageDown');
      await eventually(async () => expect(await shown(page)).toBe('users'));
      await eventually(async () => expect(await page.evaluate('document.activeElement.dataset.place')).toBe('0:0'));
      await page.keyboard.press('[');
      await eventually(async () =>
        expect(await page.evaluate('document.activeElement.dataset.place + document.title')).toMatch(/^2:1orders/),
      );
      await page.keyboard.press('g');
      await page.keyboard.press('w');
      await eventually(async () => expect(await titles(page)).toEqual(['users']));
      await row(page).getByRole('link', { name: 'users' }).press('Delete');
      await page.getByRole('heading', { name: 'Choose a table' }).waitFor();
      expect(await titles(page)).toEqual([]);
    }));

  test('nothing is lost by a close: staged edits are asked about, the text of a query comes back', () =>
    withTables(async ({ open }, db) => {
      const page = await open(`#/tables?db=${db}&table=users`);
      await page.locator(cell(0, 1)).click();
      await page.keyboard.press('n');
      await page.getByText('1 staged edit', { exact: true }).waitFor();
      await row(page).getByRole('img', { name: '1 staged edit' }).waitFor();
      await page.keyboard.press('Alt+W');
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      expect(await titles(page)).toEqual(['users']);
      await page.keyboard.press('Alt+N');
      await type(page, 'SELECT 1');
      await page.getByRole('button', { name: 'Close SQL 1' }).click();
      await eventually(async () => expect(await shown(page)).toBe('users'));
      await page.getByText('1 staged edit', { exact: true }).waitFor();
      await message(page, 'SQL 1 is closed.').waitFor();
      await page.getByRole('button', { name: 'Undo' }).last().click();
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 1'));
      await page.getByRole('button', { name: 'Close users' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Discard and close' }).click();
      await eventually(async () => expect(await titles(page)).toEqual(['SQL 1']));
      await page.goto(page.url().replace(/#.*/, `#/tables?db=${db}&table=users`));
      await page.locator(cell(0, 1)).waitFor();
      expect(await page.locator('.staged-bar').count()).toBe(0);
    }));

  test('a link to a statement never replaces a text; what was saved and is no list is ignored', () =>
    withTables(async ({ open }, db) => {
      const page = await open(`#/sql?db=${db}&sql=SELECT%201`);
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 1'));
      await page.goto(page.url().replace(/#.*/, `#/sql?db=${db}&sql=SELECT%202`));
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 2'));
      await page.goto(page.url().replace(/#.*/, `#/sql?db=${db}&sql=SELECT%203&query=ofsomebody`));
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 3'));
      expect(await titles(page)).toEqual(['SQL 1', 'SQL 2', 'SQL 3']);
      await page.goto(page.url().replace(/#.*/, `#/sql?db=${db}&sql=SELECT%201`));
      await eventually(async () => expect(await shown(page)).toBe('SQL 1'));
      await page.evaluate(`localStorage.setItem('hoody-sqlite:documents:${db}', '[{"view":"sql"},7,{"view":');
        for (const name of Object.keys(localStorage)) if (name.includes('sql-draft')) localStorage[name] = '{{';
        sessionStorage.setItem('hoody-sqlite:place:${db}\\nusers', '{"selection":7}')`);
      await page.reload();
      await eventually(async () => expect(await page.locator(editor).textContent()).toBe('SELECT 1'));
      await page.goto(page.url().replace(/#.*/, `#/tables?db=${db}&table=users`));
      await page.locator(cell(0, 1)).waitFor();
      await eventually(async () => expect(await titles(page)).toEqual(['SQL 1', 'users']));
    }));

  test('a menu of more documents than a phone has room for: the shown one and what can be done are in sight', () =>
    withTables(async ({ open }, db) => {
      const page = await open(`#/tables?db=${db}&table=users`, { viewport: { width: 390, height: 844 } });
      await page.locator('.card').first().waitFor();
      const documents = Array.from({ length: 20 }, (_, n) => {
        const name = n === 19 ? 'users' : `table ${n}`;
        return { view: 'tables', name, number: 0, params: { table: name }, used: n };
      });
      const name = await page.evaluate(`Object.keys(localStorage).find((name) => name.endsWith('documents:${db}'))`);
      await page.evaluate(
        `localStorage.setItem(${JSON.stringify(name)}, ${JSON.stringify(JSON.stringify(documents))})`,
      );
      await page.reload();
      await page.getByRole('button', { name: 'Open tables and queries: 20' }).click();
      const isSeen = async (line: Locator) => {
        const { x = 0, y = 0, height = 0 } = (await line.boundingBox()) ?? {};
        const at = `document.elementFromPoint(${x + 60}, ${y + height / 2})?.closest('.menu-item')?.textContent`;
        return (await page.evaluate(at)) === (await line.textContent());
      };
      for (const line of [
        page.getByRole('menuitemradio', { name: 'users' }),
        page.getByRole('menuitem', { name: 'New query' }),
        page.getByRole('menuitem', { name: 'Close users' }),
      ]) {
        await line.waitFor();
        expect(await isSeen(line)).toBe(true);
      }
      await page.keyboard.press('Home');
      await eventually(async () =>
        expect(await isSeen(page.getByRole('menuitemradio', { name: 'table 0' }))).toBe(true),
      );
      await page.getByRole('menuitem', { name: 'Close users' }).click();
      await page.getByRole('button', { name: 'Open tables and queries: 19' }).waitFor();
    }));

  test('on a phone they are a menu; axe finds nothing in either, light and dark', () =>
    withTables(async ({ open }, db) => {
      for (const { name, viewport } of screens) {
        const page = await open(`#/sql?db=${db}&sql=SELECT%201`, { viewport, reducedMotion: 'reduce' });
        await page.locator(editor).waitFor();
        await page.goto(page.url().replace(/#.*/, `#/keys?db=${db}`));
        await page.getByText('No keys yet').waitFor();
        await page.goto(page.url().replace(/#.*/, `#/tables?db=${db}&table=orders`));
        await page.locator('.grid-cell, .card').first().waitFor();
        if (viewport.width > 640) {
          await eventually(async () => expect(await titles(page)).toEqual(['SQL 1', 'kv_store', 'orders']));
          expect(await axeFindings(page), name).toEqual([]);
        } else {
          await page.getByRole('button', { name: 'Open tables and queries: 3' }).click();
          await page.getByRole('menuitemradio', { name: 'orders' }).waitFor();
          expect(await axeFindings(page), name).toEqual([]);
          await page.getByRole('menuitemradio', { name: 'SQL 1' }).click();
          await page.locator(editor).waitFor();
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
          await page.getByRole('button', { name: 'Open tables and queries: 3' }).click();
          await page.getByRole('menuitem', { name: 'Close SQL 1' }).click();
          await page.getByRole('button', { name: 'Open tables and queries: 2' }).waitFor();
        }
        await page.context().close();
      }
    }));
});
