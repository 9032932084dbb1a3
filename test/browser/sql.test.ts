// The SQL view as its users drive it: Debian's Chromium over a real daemon and a real mount.
import { expect } from 'vitest';
import { axeFindings, type Studio, screens, studioOfFile, browserTest as test } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';

const withStudio = studioOfFile();

async function makeShop({ daemon }: Studio): Promise<void> {
  const statements = [
    'CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, "home town" TEXT)',
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, total REAL)',
    `INSERT INTO customers SELECT value, 'Customer ' || value, 'Town' FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12]')`,
    'INSERT INTO orders SELECT NULL, id, id * 10.5 FROM customers',
  ];
  const response = await fetch(`${daemon.url}/api/v1/sqlite/db?db=shop&create_db_if_missing=true`, {
    method: 'POST',
    body: JSON.stringify({ transaction: statements.map((statement) => ({ statement })) }),
  });
  expect(response.status, await response.text()).toBe(200);
}

const address = '#/sql?db=shop';
const editor = '.cm-content';

test('runs the statement at the cursor, marks an error at its place, charts a result, and keeps it in the URL', () =>
  withStudio(async (studio) => {
    await makeShop(studio);
    const page = await studio.open(address);
    await page.locator(editor).click();
    await page.keyboard.type('SELECT 1 AS one;\n\nSELECT name, sum(total) AS spent FROM customers c JOIN orders o ');
    await page.keyboard.type('ON o.customer_id = c.id GROUP BY c.id ORDER BY spent DESC LIMIT 10');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('gridcell', { name: 'Customer 12' }).waitFor();
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Result 110', 'Chart']);

    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.chart-drawing canvas').waitFor();
    const [across, up] = [page.locator('.u-series').first(), page.locator('.u-series').last()];
    expect(await across.isVisible()).toBe(false); // there is no value without a pointer
    expect(await up.textContent()).toBe('spent');
    await page.locator('.u-over').hover();
    await eventually(async () => expect(await across.textContent()).toMatch(/nameCustomer \d/));
    expect(await across.isVisible()).toBe(true);
    await page.reload();
    await page.locator(editor).waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('tab', { name: 'Result 1' }).waitFor();

    await page.locator(editor).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('SELECT name,\n  nmae FROM customers');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    expect(await page.getByRole('alert').textContent()).toContain('no such column: nmae');
    expect(await page.locator('.cm-lintRange-error').textContent()).toBe('nmae');
  }));

test('a result without rows says so below its columns, not at their edge', () =>
  withStudio(async (studio) => {
    await makeShop(studio);
    const page = await studio.open(`#/sql?db=shop&sql=${encodeURIComponent('SELECT name FROM customers WHERE 0')}`);
    await page.locator(editor).waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('No rows.').waitFor();
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.grid p')).textAlign`)).toBe('center');
  }));

test('completion offers the columns of the tables that a statement names, also by alias', () =>
  withStudio(async (studio) => {
    await makeShop(studio);
    const page = await studio.open(address);
    await page.locator(editor).click();
    await page.keyboard.type('SELECT  FROM customers c');
    for (let n = 0; n < ' FROM customers c'.length; n += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('c.h');
    await page.locator('.cm-completionLabel', { hasText: 'home town' }).waitFor();
    await page.waitForTimeout(200); // CodeMirror takes no key in the first 75 ms of a list
    await page.keyboard.press('Enter');
    expect(await page.locator(editor).textContent()).toBe('SELECT c."home town" FROM customers c');
  }));

test('a run is cancelled, and runs again; a write without WHERE is asked about with its rows', () =>
  withStudio(async (studio) => {
    await makeShop(studio);
    const page = await studio.open(address);
    const type = async (sql: string) => {
      await page.locator(editor).click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(sql);
      await page.keyboard.press('Control+Enter');
    };
    await type('WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n');
    await page.getByText(/^\d+\.\d s/).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Nothing was changed.').waitFor();

    await type("UPDATE customers SET name = 'x'");
    const dialog = page.getByRole('dialog');
    await dialog.getByText('12 rows change.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await type('SELECT count(*) AS kept FROM customers WHERE name <> ?1');
    await page.getByLabel('?1').fill('x');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('gridcell', { name: '12', exact: true }).waitFor();

    await type("UPDATE customers SET name = 'x'");
    await dialog.getByRole('button', { name: 'Run it' }).click();
    await page.getByText('12 rows changed').first().waitFor();
  }));

/** Whether bars have the colour that the page has for them now. */
const hasAccentInChart = `(() => {
  const probe = document.createElement('span');
  probe.style.color = 'var(--accent)';
  document.body.append(probe);
  const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const canvas = document.querySelector('.chart-drawing canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 === 0 && value === red && data[at + 1] === green && data[at + 2] === blue);
})()`;

test('axe finds nothing, on a screen and on a phone, light and dark', () =>
  withStudio(async (studio) => {
    await makeShop(studio);
    for (const { name, viewport } of screens) {
      const page = await studio.open(`${address}&sql=SELECT%20name,%20id%20FROM%20customers`, { viewport });
      await page.locator(editor).waitFor();
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByRole('gridcell', { name: 'Customer 3' }).waitFor();
      const cut = await page.getByRole('gridcell').evaluateAll((cells) => {
        return cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent);
      });
      expect(cut, name).toEqual([]);
      expect(await axeFindings(page), name).toEqual([]);
      await page.getByRole('tab', { name: 'Chart' }).click();
      await page.locator('.chart-drawing canvas').waitFor();
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/sql-${name}.png` });
      expect(await axeFindings(page), `${name}, chart`).toEqual([]);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await eventually(async () => expect(await page.evaluate(hasAccentInChart), colorScheme).toBe(true));
        // What turns back within a frame is no event for the page.
        await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      }
    }
  }));
