// Rows are edited in the table browser, beside python that writes the same ones. Everybody can do it: with a thumb, and
// with a screen reader.
import type { Page } from 'playwright-core';
import { describe as anyDescribe, expect, test } from 'vitest';
import { axeFindings, expectAccessible, hasChromium } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';
import { apply, cell, edit, python, shown, tablesOfFile, text } from '../helpers/studio-tables.ts';

const describe = anyDescribe.skipIf(!hasChromium);
const withTables = tablesOfFile();

/** In the page: controls that are too small for a finger. */
const smallTargets = `[...document.querySelectorAll('button, a, input, select')]
  .filter((element) => element.checkVisibility())
  .filter((element) => element.closest('.visually-hidden, .skip-link, label.check') === null)
  .map((element) => ({ element, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.width > 1 && (box.height < 40 || box.width < 40))
  .map(({ element }) => element.outerHTML.slice(0, 160))`;
describe('edits', () => {
  test('a conflict that python makes in between is shown side by side, and nothing is lost', () =>
    withTables(async (studio) => {
      const page = await studio.open(studio.table('users'));
      await shown(page);
      await edit(page, 1, 1, 'mine');
      await edit(page, 2, 1, 'mine too');
      await page.keyboard.press('Control+S');
      await page.getByText('UPDATE "users" SET "name" = \'mine\'').waitFor();
      python(studio, "UPDATE users SET name = 'theirs' WHERE id = 2");
      await page.keyboard.press('Control+Enter');
      const dialog = page.getByRole('dialog', { name: /changed these rows/ });
      await dialog.locator('tbody tr').waitFor();
      expect(await dialog.locator('tbody tr').allTextContents()).toEqual(['nameUser 2theirsmine']);
      expect(JSON.parse(python(studio, 'SELECT name FROM users WHERE id IN (2, 3)'))).toEqual([['theirs'], ['User 3']]);
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Back'); // Enter loses nothing
      await dialog.getByRole('button', { name: 'Write mine over it' }).click();
      await page.locator('.review-sql').waitFor();
      await page.keyboard.press('Control+Enter');
      await eventually(() =>
        expect(JSON.parse(python(studio, 'SELECT name FROM users WHERE id IN (2, 3)'))).toEqual([
          ['mine'],
          ['mine too'],
        ]),
      );
    }));

  test('of two tabs that edit one row the second is told', () =>
    withTables(async (studio) => {
      const [first, second] = [await studio.open(studio.table('users')), await studio.open(studio.table('users'))];
      await shown(first);
      await shown(second);
      await edit(first, 0, 1, 'first');
      await edit(second, 0, 1, 'second');
      await apply(first);
      await eventually(() => expect(python(studio, 'SELECT name FROM users WHERE id = 1')).toBe('[["first"]]'));
      await apply(second);
      await second.getByRole('dialog', { name: /changed these rows/ }).waitFor();
      await second.getByRole('button', { name: 'Keep theirs' }).click();
      await eventually(async () => expect(await second.locator('.staged-bar').count()).toBe(0));
      expect(python(studio, 'SELECT name FROM users WHERE id = 1')).toBe('[["first"]]');
    }));

  test('rows are added, duplicated and deleted; undo goes back step by step; a reload keeps what is staged', () =>
    withTables(async (studio) => {
      const page = await studio.open(studio.table('users'));
      await shown(page);
      await page.locator(cell(9, 1)).click();
      await page.keyboard.press('Control+Delete');
      await page.locator(cell(4, 1)).click();
      await page.keyboard.press('d');
      await page.getByRole('button', { name: 'Add a row' }).click();
      await page.getByText('3 staged edits').waitFor();
      await page.reload();
      await page.getByText('3 staged edits').waitFor();
      await eventually(async () => expect(await text(page, 0, -1)).toBe('new'));
      await edit(page, 1, 1, 'typed');
      await page.keyboard.press('Control+Z');
      await page.getByText('3 staged edits').waitFor();
      await edit(page, 1, 1, 'typed again');
      await apply(page);
      await eventually(() =>
        expect(JSON.parse(python(studio, 'SELECT id, name FROM users WHERE id > 2000 OR id = 10'))).toEqual([
          [2001, 'User 5'],
          [2002, 'typed again'],
        ]),
      );
    }));

  test('a refused write says why, and the edit stays', () =>
    withTables(async (studio) => {
      const page = await studio.open(studio.table('users'));
      await shown(page);
      await page.locator(cell(0, 1)).click();
      await page.keyboard.press('n');
      await page.keyboard.press('Control+S');
      await page.locator('.review-sql').waitFor();
      await page.keyboard.press('Control+Enter');
      expect(await page.getByRole('alert').textContent()).toContain('NOT NULL');
      await page.keyboard.press('Escape');
      await page.getByText('1 staged edit').waitFor();
    }));

  test('a write of python appears: as a count, or by itself when the page follows', () =>
    withTables(async (studio) => {
      const page = await studio.open(studio.table('users'));
      await shown(page);
      await page.locator('.live-dot.is-live').waitFor();
      python(studio, "UPDATE users SET name = 'native' WHERE id = 3");
      await page.getByRole('button', { name: '1 new change' }).click();
      await eventually(async () => expect(await text(page, 2, 1)).toBe('native'));
      await page.getByRole('button', { name: 'Follow' }).click();
      python(studio, "UPDATE users SET name = 'followed' WHERE id = 4");
      await eventually(async () => expect(await text(page, 3, 1)).toBe('followed'));
    }));
});

describe('access for all', () => {
  const ready = async (page: Page) => {
    await page.locator('.grid-cell, .card').first().waitFor();
  };

  test('axe finds nothing in a table, the structure and the lists', () =>
    withTables(async (studio) => {
      await expectAccessible(studio, studio.table('kinds'), ready);
      await expectAccessible(studio, `#/tables?db=${studio.db}`, (page) => page.getByRole('heading').first().waitFor());
      await expectAccessible(studio, `#/structure?db=${studio.db}&table=orders`, (page) =>
        page.getByText('Triggers').waitFor(),
      );
    }));

  test('axe finds nothing in what opens over a table', () =>
    withTables(async (studio) => {
      const page = await studio.open(studio.table('users'), { reducedMotion: 'reduce' });
      const check = async (what: string) => expect(await axeFindings(page), what).toEqual([]);
      await shown(page);
      await edit(page, 0, 1, 'edited');
      await page.locator(cell(3, 1)).click();
      await page.keyboard.press('Control+Delete');
      await page.keyboard.press('f');
      await page.keyboard.press('Space');
      await page.getByLabel('Value', { exact: true }).waitFor();
      await check('staged edits and a filter');
      await page.keyboard.press('Escape');
      await page.locator(cell(2, 1)).click();
      await page.keyboard.press('Space');
      await page.locator('.row-panel .relation').first().waitFor();
      await check('row panel');
      await page.locator(cell(2, 1)).click();
      await page.keyboard.press('m');
      await page.getByRole('menu').waitFor();
      await check('menu of a column');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+S');
      await page.locator('.review-sql').waitFor();
      await check('review');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await check('keys');
      await page.keyboard.press('Escape');
      await page.keyboard.press('/');
      await page.getByRole('combobox').fill('or');
      await check('jump menu');
    }));

  test('on a phone: cards, the whole row, filters, order and columns in one sheet, targets for fingers', () =>
    withTables(async (studio) => {
      const page = await studio.open(`#/tables?db=${studio.db}`, {
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        reducedMotion: 'reduce',
      });
      await page.getByRole('link', { name: 'users' }).tap();
      await page.locator('.card').first().waitFor();
      expect(await page.evaluate(smallTargets)).toEqual([]);
      await page.getByRole('button', { name: 'Filter, sort, columns' }).tap();
      await page.getByLabel('Sort by').selectOption('score');
      await page.getByRole('button', { name: 'ascending' }).tap();
      expect(await page.evaluate(smallTargets)).toEqual([]);
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Show the rows' }).tap();
      await eventually(async () => expect(await page.locator('.card').first().textContent()).toContain('99'));
      await page.locator('.card').first().tap();
      await page.getByRole('button', { name: 'Edit name' }).tap();
      await page.locator('.value-field').fill('by thumb');
      await page.getByRole('button', { name: /Stage the value/ }).tap();
      await page.getByRole('button', { name: 'Close' }).tap();
      await page.getByRole('button', { name: /Review SQL/ }).tap();
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole('button', { name: /Apply/ }).tap();
      await eventually(() =>
        expect(python(studio, "SELECT count(*) FROM users WHERE name = 'by thumb'")).toBe('[[1]]'),
      );
      await page.getByRole('button', { name: 'Add a row' }).tap();
      const row = page.getByRole('dialog', { name: 'New row' });
      await row.getByRole('button', { name: 'Edit name' }).tap();
      await page.getByRole('textbox', { name: 'Value' }).fill('a new one');
      await page.getByRole('button', { name: /Stage the value/ }).tap();
      await row.getByText('a new one').waitFor();
      await row.getByRole('button', { name: 'Edit score' }).tap();
      await page.getByRole('textbox', { name: 'Value' }).fill('12.5');
      expect(await page.getByLabel('Kind').inputValue()).toBe('real');
      await page.getByRole('button', { name: /Stage the value/ }).tap();
      await row.getByRole('button', { name: 'Close' }).tap();
      await page.getByRole('button', { name: /Review SQL/ }).tap();
      await page.getByRole('button', { name: /Apply/ }).tap();
      const added = 'SELECT name, score FROM users WHERE id = 2001';
      await eventually(() => expect(python(studio, added)).toBe('[["a new one", 12.5]]'));
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }));
});
