// Files into the page and out again: an import and an export that are the same byte for byte. What can be chosen of an
// export, and whole databases: exports.test.ts.
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { expectAccessible, message, studioOfFile, browserTest as test } from '../helpers/browser.ts';
import { call, withTokens } from '../helpers/studio-tokens.ts';
import { exportTable, pythonRows, sql } from '../helpers/studio-transfer.ts';

const withStudio = studioOfFile();

async function chooseFile(page: Page, name: string, content: string | Buffer): Promise<void> {
  await page.getByRole('button', { name: 'Add a table' }).click();
  await page.getByRole('menuitem', { name: 'Import a file ...' }).click();
  await page
    .getByLabel('A CSV, JSON or JSON Lines file')
    .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
}

const awkward = Buffer.concat([
  Buffer.from(
    [
      'id,text,number,bytes',
      "1,plain,9007199254740993,X'00FF'",
      '2,,-9223372036854775808,',
      '3,"",9223372036854775807,X\'\'',
      '4,"say ""hi"", twice",0,X\'41\'',
      '5,"two\nlines\r\nand more",1.5,',
      '6,\u{1f469}\u200d\u{1f4bb} \u05e9\u05dc\u05d5\u05dd,9e999,',
      '7,"007",7,',
      '8,NULL,8,',
      '9,=1+1,9,',
      '10,"X\'41\'",10,',
      '11,"',
    ].join('\r\n'),
  ),
  Buffer.from([0xff, 0x00, 0xfe]),
  Buffer.from('",11,\r\n'),
]);

test('a CSV file is imported with a preview and exported again, byte for byte', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(daemon, 'CREATE TABLE other (v)');
    const page = await open('#/tables?db=app.db');
    await chooseFile(page, 'my table.csv', awkward);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('4 columns, 11 rows').waitFor();
    expect(await dialog.getByLabel('Name of the new table').inputValue()).toBe('my table');
    const types = await dialog.getByRole('combobox', { name: /^Type of/ }).all();
    expect(await Promise.all(types.map((type) => type.inputValue()))).toEqual(['INTEGER', 'TEXT', 'NUMERIC', 'BLOB']);
    await dialog.getByLabel('Type of id').selectOption('NUMERIC');
    await dialog.getByRole('button', { name: 'Import 11 rows' }).click();
    await message(page, '11 rows are in my table').waitFor();
    await page.getByRole('heading', { name: 'my table' }).waitFor();
    await page.getByRole('gridcell', { name: '-9223372036854775808' }).waitFor();
    const file = join(daemon.data, 'app.db');
    expect(
      await pythonRows(file, 'SELECT typeof(text), typeof(number), typeof(bytes), hex(text) FROM "my table"'),
    ).toEqual([
      ['text', 'integer', 'blob', '706C61696E'],
      ['null', 'integer', 'null', ''],
      ['text', 'integer', 'blob', ''],
      ['text', 'integer', 'blob', Buffer.from('say "hi", twice').toString('hex').toUpperCase()],
      ['text', 'real', 'null', Buffer.from('two\nlines\r\nand more').toString('hex').toUpperCase()],
      ['text', 'real', 'null', expect.stringMatching(/^F09F91A9/)],
      ['text', 'integer', 'null', '303037'],
      ['text', 'integer', 'null', '4E554C4C'],
      ['text', 'integer', 'null', '3D312B31'],
      ['text', 'integer', 'null', '58273431' + '27'],
      ['text', 'integer', 'null', 'FF00FE'],
    ]);
    const whole = await exportTable(page, async () => undefined);
    expect(whole.name).toBe('my_table.csv');
    expect(whole.bytes.equals(awkward), whole.bytes.toString()).toBe(true);
    const guarded = await exportTable(page, (box) => box.getByLabel('Guard against formulas').check());
    expect(guarded.bytes.toString()).toContain("9,'=1+1,9,");
  }));

test('a file with semicolons is found out, and can be read otherwise; an export has what was chosen', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(daemon, 'CREATE TABLE other (v)');
    const page = await open('#/tables?db=app.db');
    await chooseFile(page, 'prices.csv', Buffer.from('id;price\r\n1;1,5\r\n2;2,25\r\n'));
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 columns, 2 rows').waitFor();
    const between = dialog.getByLabel('Between fields');
    expect(await between.inputValue()).toBe('semicolon');
    await between.selectOption('tab');
    await dialog.getByText('1 column, 2 rows').waitFor();
    await between.selectOption('semicolon');
    await dialog.getByText('2 columns, 2 rows').waitFor();
    await dialog.getByRole('button', { name: 'Import 2 rows' }).click();
    await page.getByRole('gridcell', { name: '2,25' }).waitFor();
    const out = await exportTable(page, (box) => box.getByLabel('Between fields').selectOption('tab'));
    expect(out.bytes.toString()).toBe('id\tprice\r\n1\t"1,5"\r\n2\t"2,25"\r\n');
  }));

test('rows of JSON Lines go into a table that is there; a file that does not fit is refused with its line', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(
      daemon,
      'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL)',
      "INSERT INTO people VALUES (1, 'Ada')",
    );
    const page = await open('#/tables?db=app.db&table=people');
    await chooseFile(page, 'more.jsonl', '{"id":2,"name":"Grace"}\n{"id":9007199254740993,"name":"Alan"}\n');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Into').selectOption('people');
    await dialog.getByText('2 columns, 2 rows').waitFor();
    await dialog.getByRole('button', { name: 'Import 2 rows' }).click();
    await page.getByRole('gridcell', { name: '9007199254740993' }).waitFor();

    await chooseFile(page, 'bad.csv', 'id,name\n10,"x\ny"\n1,again\n');
    await dialog.getByLabel('Name of the new table').fill('People');
    await dialog.getByText('People is there already').waitFor();
    await dialog.getByLabel('Into').selectOption('people');
    await dialog.getByRole('button', { name: 'Import 2 rows' }).click();
    await dialog.getByRole('alert').getByText('row 2 (line 4): UNIQUE constraint failed: people.id').waitFor();
    await dialog.getByText('Nothing came in').waitFor();
    await page
      .getByLabel('Another file')
      .setInputFiles({ name: 'broken.csv', mimeType: 'text/csv', buffer: Buffer.from('id,name\n1,"x') });
    await dialog.getByRole('alert').getByText('line 2: a quote of this record is not closed').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await pythonRows(join(daemon.data, 'app.db'), 'SELECT count(*) FROM people')).toEqual([[3]]);
  }));

const wideNames = Array.from({ length: 500 }, (_, at) => `c${at}`);

/** Columns of tables of every kind, and rows as SQL. */
const everyKind: Readonly<Record<string, { table: string; names: readonly string[]; rows: readonly string[] }>> = {
  kinds: {
    table: 'k INTEGER PRIMARY KEY, v',
    names: ['k', 'v'],
    rows: [
      '-9223372036854775808',
      '9223372036854775807',
      '9007199254740993',
      'NULL',
      "''",
      "'NULL'",
      `replace(hex(zeroblob(500000)), '0', 'x')`,
      'randomblob(10000000)',
      "CAST(X'FF00FE' AS TEXT)",
      "'a' || char(0) || 'b'",
      "'\u{1f469}\u200d\u{1f4bb} \u05e9\u05dc\u05d5\u05dd'",
      '0.1',
      '9e999',
      "'0.10'",
      "'12'",
    ].map((value, at) => `${at + 1}, ${value}`),
  },
  'odd "name': { table: '"select" TEXT, "a""b" TEXT, "" TEXT', names: ['select', 'a"b', ''], rows: ["'x', 'y', ''"] },
  wide: {
    table: wideNames.map((name) => `${name} INTEGER`).join(', '),
    names: wideNames,
    rows: [wideNames.map((_, at) => at).join(', '), wideNames.map(() => 'NULL').join(', ')],
  },
  pair: {
    table: 'a TEXT, b INTEGER, c REAL, twice AS (b * 2), PRIMARY KEY (b DESC, a)) WITHOUT ROWID -- ',
    names: ['a', 'b', 'c'],
    rows: ["'x', 1, 1.5", "'y', 1, NULL", "'', 9007199254740993, 3"],
  },
};

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

test('values and tables of every kind come back as they were', () =>
  withStudio(async ({ daemon, open }) => {
    for (const [name, { table, names, rows }] of Object.entries(everyKind)) {
      await sql(
        daemon,
        `CREATE TABLE ${quoted(name)} (${table}\n)`.replace(/ -- \n\)/, ''),
        `CREATE TABLE ${quoted(`${name} copy`)} (${table}\n)`.replace(/ -- \n\)/, ''),
        ...rows.map((row) => `INSERT INTO ${quoted(name)} (${names.map(quoted)}) VALUES (${row})`),
      );
    }
    const page = await open('#/tables?db=app.db');
    for (const [name, { names, rows }] of Object.entries(everyKind)) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
      const { bytes } = await exportTable(page, async () => undefined);
      await chooseFile(page, 'export.csv', bytes);
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Into').selectOption({ label: `${name} copy` });
      await dialog
        .getByRole('button', { name: rows.length === 1 ? 'Import 1 row' : `Import ${rows.length} rows` })
        .click();
      await page.getByRole('heading', { name: `${name} copy` }).waitFor();
      const cells = names.map((column) => `typeof(${quoted(column)}), CAST(${quoted(column)} AS BLOB)`).join(', ');
      const [from, into] = [quoted(name), quoted(`${name} copy`)];
      const other = `SELECT ${cells} FROM ${from} EXCEPT SELECT ${cells} FROM ${into}`;
      const question = `SELECT (SELECT count(*) FROM ${into}), (SELECT count(*) FROM (${other}))`;
      expect(await pythonRows(join(daemon.data, 'app.db'), question), name).toEqual([[rows.length, 0]]);
    }
  }));

test('an empty database offers an import, and takes a file that is dropped', () =>
  withStudio(async ({ daemon, open }) => {
    await fetch(`${daemon.url}/api/v1/sqlite/db/create?path=app`, { method: 'POST' });
    const page = await open('#/tables?db=app.db');
    await page.getByRole('button', { name: 'Import a file' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.import-drop').waitFor();
    // Dropped, as from the desktop.
    await page.evaluate(`{
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['[{"a":1,"b":{"c":[2]}},{"a":null,"b":true}]'], 'things.json'));
      document.querySelector('.import-drop').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }`);
    await dialog.getByText('2 columns, 2 rows').waitFor();
    await dialog.getByRole('button', { name: 'Import 2 rows' }).click();
    await page.getByRole('heading', { name: 'things' }).waitFor();
    await page.getByRole('gridcell', { name: '{"c":[2]}' }).waitFor();
  }));

test('a read token exports, and has no import', () =>
  withTokens(async (studio) => {
    expect((await call(studio, 'POST', 'studio/sample?db=shop')).status).toBe(201);
    const page = await studio.open('#/tables?db=shop.db&table=categories');
    await page.getByLabel('Token').fill('reader');
    await page.getByRole('button', { name: 'Open' }).click();
    const { bytes } = await exportTable(page, async () => undefined);
    expect(bytes.toString()).toMatch(/^id,name/);
    await page.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Export ...' }).waitFor();
    expect(await page.getByRole('menuitem', { name: /Import/ }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Add a table' }).count()).toBe(0);
  }));

test('axe finds nothing wrong with the dialogs of export and import', () =>
  withStudio(async (studio) => {
    const { daemon } = studio;
    await sql(
      daemon,
      'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w AS (id))',
      "INSERT INTO t (v) VALUES ('a'), (NULL)",
    );
    await expectAccessible(studio, '#/tables?db=app.db&table=t&where=id%3E0', async (page) => {
      await page.getByRole('button', { name: /^More for/ }).click();
      await page.getByRole('menuitem', { name: 'Export ...' }).click();
      await page.getByRole('dialog').getByText('Guard against formulas').waitFor();
      await shot(page, 'export');
    });
    await expectAccessible(studio, '#/tables?db=app.db', async (page) => {
      await chooseFile(page, 't.csv', awkward);
      await page.getByText('4 columns, 11 rows').waitFor();
      await shot(page, 'import');
      await page.getByLabel('Name of the new table').fill('t');
      await page.getByRole('alert').waitFor();
    });
    await expectAccessible(studio, '#/home', async (page) => {
      await page.getByRole('button', { name: 'Download app.db' }).click();
      await page.getByRole('dialog').waitFor();
      await shot(page, 'download');
    });
  }));

let shots = 0;

async function shot(page: Page, name: string): Promise<void> {
  shots += 1;
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${shots}.png` });
}
