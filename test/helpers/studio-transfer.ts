// What tests of files in and out of the page do alike.
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Daemon } from './daemon.ts';
import { run } from './process.ts';

/** On app.db, which it makes. */
export async function sql({ url }: Daemon, ...statements: string[]): Promise<void> {
  const reply = await fetch(`${url}/api/v1/sqlite/db?db=app&create_db_if_missing=true`, {
    method: 'POST',
    body: JSON.stringify({ transaction: statements.map((statement) => ({ statement })) }),
  });
  expect(reply.status, await reply.text()).toBe(200);
}

/** What python's sqlite3 reads in a file: a JSON list of rows. */
export async function pythonRows(file: string, query: string): Promise<unknown> {
  const script = `
import json, sqlite3, sys
print(json.dumps(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))`;
  const { stdout, stderr } = await run('python3', ['-c', script, file, query]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** The bytes that a click saves, and the name they are saved under. */
export async function saved(page: Page, click: () => Promise<unknown>): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** By the menu of the table that is shown. `prepare` chooses in the dialog. */
export async function exportTable(page: Page, prepare: (dialog: ReturnType<Page['getByRole']>) => Promise<unknown>) {
  await page.getByRole('button', { name: /^More for/ }).click();
  await page.getByRole('menuitem', { name: 'Export ...' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('What goes in').waitFor();
  await prepare(dialog);
  return saved(page, () => dialog.getByRole('button', { name: 'Export' }).click());
}
