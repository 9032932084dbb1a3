// The table browser over databases of all kinds of tables, and what tests do in it again and again.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { type Studio, studioOfFile } from './browser.ts';

const makeTables = resolve(import.meta.dirname, '../browser/tables.py');

export interface Tables extends Studio {
  readonly db: string;
  /** Address of a table. */
  table(name: string): string;
}

type WithTables = (test: (tables: Tables) => Promise<unknown>, events?: number) => Promise<void>;

/** For the tests of a file, which share a studio: runs each on a database of its own, written through the mount. */
export function tablesOfFile(): WithTables {
  const withStudio = studioOfFile();
  let databases = 0;
  return (test, events = 0) =>
    withStudio((studio) => {
      databases += 1;
      const db = `tables${databases}.db`;
      execFileSync('python3', [makeTables, join(studio.daemon.root, db), ...(events > 0 ? [String(events)] : [])]);
      return test({ ...studio, db, table: (name) => `#/tables?db=${db}&table=${encodeURIComponent(name)}` });
    });
}

/** What python reads or writes through the mount, as another program would. */
export function python({ daemon, db }: Tables, statement: string): string {
  const script = `import sqlite3, sys, json
db = sqlite3.connect(sys.argv[1], timeout=20)
rows = db.execute(sys.argv[2]).fetchall()
db.commit()
print(json.dumps(rows))`;
  return execFileSync('python3', ['-c', script, join(daemon.root, db), statement], { encoding: 'utf8' }).trim();
}

export const cell = (row: number, column: number) => `[data-place="${row}:${column}"]`;
export const text = (page: Page, row: number, column: number) => page.locator(cell(row, column)).textContent();
export const place = (page: Page): Promise<string | undefined> =>
  page.evaluate('document.activeElement?.dataset.place');

export async function shown(page: Page): Promise<void> {
  await page.locator(cell(0, 0)).waitFor();
}

export async function edit(page: Page, row: number, column: number, value: string): Promise<void> {
  await page.locator(cell(row, column)).click();
  await page.keyboard.press('Enter');
  await page.locator('.cell-editor').fill(value);
  await page.keyboard.press('Enter');
}

export async function apply(page: Page): Promise<void> {
  await page.keyboard.press('Control+S');
  await page.locator('.review-sql').waitFor();
  await page.keyboard.press('Control+Enter');
}
