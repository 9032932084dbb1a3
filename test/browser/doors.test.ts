// The first visit to an empty server, and the snippets of a database: each one is run as the page shows it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { expectAccessible, message, type Studio, browserTest as test, withStudio } from '../helpers/browser.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { inMountNamespace } from '../helpers/sqlite-writers.ts';

const repository = resolve(import.meta.dirname, '../..');

/** How a user would run what was copied. */
const runs: Readonly<Record<string, (snippet: string, file: string) => readonly string[]>> = {
  python: (snippet) => ['python3', '-c', snippet],
  node: (_, file) => ['node', file],
  shell: (snippet) => ['bash', '-c', snippet],
  curl: (snippet) => ['bash', '-c', snippet],
  fetch: (_, file) => ['node', file],
  libsql: (_, file) => ['node', file],
  redis: (_, file) => ['node', file],
  unstorage: (_, file) => ['node', file],
};
const clients = ['libSQL', 'Upstash', 'unstorage'];

/** Every snippet of a database, run; by language what it printed. */
async function runSnippets({ open, daemon }: Studio, db: string): Promise<Record<string, string>> {
  const page = await open('#/home');
  await page.getByRole('listitem').filter({ hasText: db }).getByRole('button', { name: 'Use from a program' }).click();
  const dialog = page.getByRole('dialog');
  const outputs = await runShown(dialog, daemon, ['Python', 'Node', 'sqlite3', 'curl', 'fetch', ...clients]);
  await dialog.getByRole('tab', { name: 'Agent' }).click();
  outputs.agent = await askAsAgent((await dialog.locator('[data-snippet=agent]').textContent()) ?? '');
  await page.context().close();
  return outputs;
}

/** What an agent with these settings is told of the database. */
async function askAsAgent(settings: string): Promise<string> {
  const client = new Client({ name: 'agent', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(JSON.parse(settings).mcpServers.sqlite.url)));
  try {
    return JSON.stringify(await client.callTool({ name: 'schema', arguments: {} }));
  } finally {
    await client.close();
  }
}

async function runShown(
  place: Page | Locator,
  daemon: Daemon,
  names: readonly string[],
): Promise<Record<string, string>> {
  const outputs: Record<string, string> = {};
  for (const name of names) {
    await place.getByRole('tab', { name }).click();
    const box = place.locator('[data-snippet]');
    const id = (await box.getAttribute('data-snippet')) ?? '';
    const snippet = (await box.textContent()) ?? '';
    // node finds better-sqlite3 from where the file is
    const file = join(repository, 'node_modules', '.cache', `snippet-${daemon.pid}.mjs`);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, snippet);
    const [command = '', ...args] = runs[id]?.(snippet, file) ?? [];
    const { stdout, stderr, code } = await inMountNamespace([command, ...args]);
    expect(stderr, snippet).toBe('');
    expect(code).toBe(0);
    outputs[id] = stdout;
  }
  return outputs;
}

test('an empty server offers what to do, and a database that is created there is used from every door', () =>
  withStudio(async (studio) => {
    const page = await studio.open('');
    await page.getByRole('heading', { name: 'No databases yet' }).waitFor();
    await page.getByRole('button', { name: 'Load a sample' }).waitFor();
    expect(await page.locator('[data-snippet]').textContent()).toContain(`${studio.daemon.mount}/first.db`);
    await page.getByRole('button', { name: 'Create a database' }).click();
    await page.getByLabel('Name').fill('my app');
    await page.keyboard.press('Enter');
    await page.getByText('A name has letters').waitFor();
    await page.getByLabel('Name').fill('app');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/#/keys?db=app.db');
    const put = `${studio.daemon.url}/api/v1/sqlite/kv/greeting?db=app`;
    expect((await fetch(put, { method: 'PUT', body: '"hello"' })).status).toBe(200);
    const { redis, unstorage, ...outputs } = await runSnippets(studio, 'app.db');
    for (const output of Object.values(outputs)) expect(output).toContain('kv_store');
    for (const output of [redis, unstorage]) expect(output).toContain("'greeting'");
    expect(Object.keys(outputs).sort()).toEqual(['agent', 'curl', 'fetch', 'libsql', 'node', 'python', 'shell']);
  }));

test('a sample shop fills every view of an empty server', () =>
  withStudio(async ({ open }) => {
    const page = await open('');
    await page.getByRole('button', { name: 'Load a sample' }).click();
    await message(page, 'shop.db is ready').waitFor({ timeout: 60_000 });
    const tables = page.getByRole('navigation', { name: 'Tables and databases' });
    for (const table of ['customers', 'orders', 'products'])
      await tables.getByRole('link', { name: table, exact: true }).waitFor();
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Keys' }).click();
    await page.getByRole('treeitem').first().waitFor();
    // The menu of the page shows the doors wherever one is.
    await page.getByRole('button', { name: 'Settings and more' }).click();
    await page.getByRole('menuitem', { name: 'Use from a program' }).click();
    await page.getByRole('dialog').getByText('shop.db').first().waitFor();
    // On a phone the whole of an order stands on its card.
    const phone = await open('#/tables?db=shop.db&table=orders', { viewport: { width: 390, height: 844 } });
    await phone.locator('.card', { hasText: 'total' }).first().waitFor();
    const cut = `[...document.querySelectorAll('.card-value')].filter((one) => one.scrollWidth > one.clientWidth).length`;
    expect(await phone.evaluate(cut)).toBe(0);
  }));

/** The page does not list the database yet, and what it asks about it is answered after the menu was opened. */
async function expectDoorsInOpenMenu(page: Page, address: string): Promise<void> {
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route('**/studio/schema?*', (route) => held.then(() => route.continue()));
  await page.evaluate(`location.hash = '${address}'`);
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
  await page.getByRole('button', { name: 'Settings and more' }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).waitFor();
  const item = page.getByRole('menuitem', { name: 'Use from a program' });
  expect(await item.count()).toBe(0);
  answer();
  await item.waitFor();
  await page.keyboard.press('Escape');
}

test('the snippets of an empty server make a database, and print what they wrote', () =>
  withStudio(async ({ open, daemon }) => {
    const page = await open('');
    const outputs = await runShown(page, daemon, ['Python', 'Node', 'sqlite3']);
    expect(outputs.python).toBe("(1, 'hello')\n");
    expect(outputs.node).toContain("{ id: 2, text: 'hello' }");
    expect(outputs.shell).toBe('1|hello\n2|hello\n3|hello\n');
    await expectDoorsInOpenMenu(page, '#/tables?db=first.db');
    await page.goto(`${daemon.url}/#/home`);
    await page.reload();
    await page.getByRole('link', { name: 'first.db' }).waitFor();
    expect(daemon.mounted).toBe(true);
  }));

test('axe finds nothing wrong with the first visit, the list of databases and the doors', () =>
  withStudio(async (studio) => {
    await expectAccessible(studio, '', async (page) => {
      await page.getByRole('heading', { name: 'No databases yet' }).waitFor();
    });
    await fetch(`${studio.daemon.url}/api/v1/sqlite/db/create?path=app`, { method: 'POST' });
    await expectAccessible(studio, '#/home', async (page) => {
      await page.getByRole('heading', { name: 'Databases', exact: true }).waitFor();
    });
    await expectAccessible(studio, '#/home', async (page) => {
      await page.getByRole('button', { name: 'Use from a program' }).click();
      await page.getByRole('dialog').waitFor();
    });
  }));
