// Exports of the page: what is chosen of a table, all rows of a query, whole databases.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { studioOfFile, browserTest as test } from '../helpers/browser.ts';
import { killProcess } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { exportTable, pythonRows, saved, sql } from '../helpers/studio-transfer.ts';

const withStudio = studioOfFile();

test('an export has the filters, the order and the columns that are shown, or all', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(
      daemon,
      'CREATE TABLE n (id INTEGER PRIMARY KEY, v TEXT, twice AS (id * 2))',
      `INSERT INTO n (id, v) SELECT value, 'v' || value FROM json_each('[1,2,3,4,5]')`,
    );
    const where = `filter=${encodeURIComponent('[["id",">","2"]]')}&sort=${encodeURIComponent('[["id","desc"]]')}`;
    const page = await open(`#/tables?db=app.db&table=n&${where}`);
    await page.getByRole('gridcell', { name: 'v5' }).waitFor();
    const text = async (prepare: Parameters<typeof exportTable>[1]) =>
      (await exportTable(page, prepare)).bytes.toString();
    expect(await text(async () => undefined)).toBe('id,v\r\n5,v5\r\n4,v4\r\n3,v3\r\n');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('dialog').getByRole('checkbox', { name: 'v text' }).uncheck();
    await page.keyboard.press('Escape');
    expect(await text((box) => box.getByLabel('With generated columns').check())).toBe(
      'id,twice\r\n5,10\r\n4,8\r\n3,6\r\n',
    );
    expect(
      await text(async (box) => {
        await box.getByLabel('Only the rows that the filters leave').uncheck();
        await box.getByLabel('Only the columns that are shown').uncheck();
        await box.getByRole('radio', { name: /^SQL/ }).check();
      }),
    ).toMatch(/^INSERT INTO "n" \("id", "v"\) VALUES \(5, 'v5'\);\n(.*\n){4}$/);
    expect(JSON.parse(await text((box) => box.getByRole('radio', { name: /^JSON(?! Lines)/ }).check()))).toEqual([
      { id: 5 },
      { id: 4 },
      { id: 3 },
    ]);
  }));

test('all rows of a query are exported, with its parameters', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(daemon, 'CREATE TABLE t (v)');
    const query =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most) SELECT x, 9007199254740993 AS big FROM n';
    const page = await open(`#/sql?db=app.db&sql=${encodeURIComponent(`SELECT 1; ${query}`)}`);
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    await page.getByLabel(':most').fill('5000');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('The first 1,000 rows are shown').waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('All rows of the query').waitFor();
    const { name, bytes } = await saved(page, () => dialog.getByRole('button', { name: 'Export' }).click());
    expect(name).toBe('result.csv');
    const lines = bytes.toString().split('\r\n');
    expect(lines).toHaveLength(5_002);
    expect(lines[5_000]).toBe('5000,9007199254740993');
  }));

test('a database is downloaded as a file that SQLite opens; a cancelled or broken download saves nothing', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(daemon, 'CREATE TABLE t (v)', "INSERT INTO t VALUES ('kept'), (randomblob(30000000))");
    const page = await open('#/home');
    const begin = () => page.getByRole('button', { name: 'Download app.db' }).click();
    const dialog = page.getByRole('dialog');
    const download = dialog.getByRole('button', { name: 'Download' });
    await begin();
    const { name, bytes } = await saved(page, () => download.click());
    expect(name).toBe('app.db');
    const copy = join(daemon.folder, 'copy.db');
    await writeFile(copy, bytes);
    expect(await pythonRows(copy, 'SELECT typeof(v), length(v) FROM t')).toEqual([
      ['text', 4],
      ['blob', 30_000_000],
    ]);
    await dialog.waitFor({ state: 'detached' });

    let downloads = 0;
    page.on('download', () => {
      downloads += 1;
    });
    const network = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: 200_000, uploadThroughput: -1 };
    await network.send('Network.enable');
    await network.send('Network.emulateNetworkConditions', slow);
    await begin();
    await download.click();
    await dialog.getByText(/^Receiving [\d.]+ .B of 28.6 MB$/).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await eventually(async () => expect(await download.isEnabled()).toBe(true));
    await download.click();
    await dialog.getByText(/^Receiving/).waitFor();
    await killProcess(daemon, 'server');
    await network.send('Network.emulateNetworkConditions', { ...slow, downloadThroughput: -1 });
    await dialog.getByRole('alert').waitFor();
    expect(downloads).toBe(0);
  }));

test('a large database is written into a file that the user chose, piece by piece', () =>
  withStudio(async ({ daemon, open }) => {
    await sql(daemon, 'CREATE TABLE t (v)', 'INSERT INTO t VALUES (zeroblob(70000000))');
    const page = await open('#/home');
    // The dialog of the system cannot be driven; the handle that it would give is a real one of the browser's own
    // storage.
    await page.evaluate(`window.showSaveFilePicker = async ({ suggestedName }) =>
      (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })`);
    await page.getByRole('button', { name: 'Download app.db' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click();
    await page
      .getByText(/^app.db is saved/)
      .first()
      .waitFor();
    const size = await page.evaluate(`navigator.storage.getDirectory()
      .then((folder) => folder.getFileHandle('app.db')).then((file) => file.getFile()).then((file) => file.size)`);
    expect(size).toBeGreaterThan(70_000_000);
  }));
