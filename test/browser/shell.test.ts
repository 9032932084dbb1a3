// The frame of the page: a restart of the server under it, tokens, state that cannot be read, keys, strict CSP.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { test as anyTest, expect } from 'vitest';
import { expectAccessible, hasChromium, untilFocused, withBrowser, withStudio } from '../helpers/browser.ts';
import { type Daemon, type DaemonPaths, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';

const test = anyTest.skipIf(!hasChromium);
const makeTables = resolve(import.meta.dirname, 'tables.py');
const fill = ({ root }: Daemon) => execFileSync('python3', [makeTables, join(root, 'tables.db')]);
const users = '#/tables?db=tables.db&table=users';
const cell = (row: number, column: number) => `[data-place="${row}:${column}"]`;
const text = (page: Page, row: number, column: number) => page.locator(cell(row, column)).textContent();

async function editName(page: Page, value: string): Promise<void> {
  await page.locator(cell(0, 1)).click();
  await page.keyboard.press('Enter');
  await page.locator('.cell-editor').fill(value);
  await page.keyboard.press('Enter');
}

test('a restart of the server under an open page: banner, reconnection, staged edits kept and applied', () =>
  withPaths(async (paths) => {
    const listen = ['--listen', `127.0.0.1:${await freePort()}`];
    await withBrowser(async (open) => {
      const page = await withDaemon(
        listen,
        async (daemon) => {
          fill(daemon);
          const opened = await open(`${daemon.url}/${users}`);
          await opened.locator(cell(0, 0)).waitFor();
          await editName(opened, 'across a restart');
          return opened;
        },
        { paths },
      );
      await page.getByRole('button', { name: 'Read again' }).click();
      await page.locator('.banner').waitFor();
      await page.getByText('1 staged edit').waitFor();
      await withDaemon(listen, () => applied(page, paths), { paths });
    });
  }));

async function applied(page: Page, paths: DaemonPaths): Promise<void> {
  await eventually(async () => expect(await page.locator('.banner').count()).toBe(0));
  await page.getByText('1 staged edit').waitFor();
  await page.keyboard.press('Control+S');
  await page.locator('.review-sql').waitFor();
  await page.keyboard.press('Control+Enter');
  const read =
    "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT name FROM users WHERE id = 1').fetchone()[0])";
  await eventually(() =>
    expect(execFileSync('python3', ['-c', read, join(paths.mount, 'tables.db')], { encoding: 'utf8' }).trim()).toBe(
      'across a restart',
    ),
  );
}

test('a token is asked for once and is never in a URL; a read token opens a page without any editing', () =>
  withPaths(async (paths) => {
    const file = join(paths.folder, 'tokens');
    writeFileSync(file, 'full full-secret\nread read-secret\n', { mode: 0o600 });
    await withDaemon(
      ['--auth-token-file', file],
      async (daemon) => {
        fill(daemon);
        await withBrowser(async (open) => {
          const urls: string[] = [];
          const page = await open(`${daemon.url}/${users}`);
          page.on('request', (request) => urls.push(request.url()));
          await page.getByLabel('Token').fill('wrong');
          await page.getByRole('button', { name: 'Open' }).click();
          await page.getByText('does not know this token').waitFor();
          await page.getByLabel('Token').fill('read-secret');
          await page.getByLabel('Keep it until I close this tab').check();
          await page.getByRole('button', { name: 'Open' }).click();
          await page.locator(cell(0, 0)).waitFor();
          await page.getByText('read only: the token may only read').waitFor();
          for (const control of ['Add a row', 'Review SQL']) {
            expect(await page.getByRole('button', { name: control }).count()).toBe(0);
          }
          await page.locator(cell(0, 1)).click();
          await page.keyboard.press('n');
          await page.keyboard.press('Control+Delete');
          expect(await page.locator('.staged-bar').count()).toBe(0);
          await page.reload();
          await page.locator(cell(0, 0)).waitFor();
          expect(urls.filter((url) => url.includes('secret'))).toEqual([]);

          const full = await open(`${daemon.url}/${users}`);
          await full.getByLabel('Token').fill('full-secret');
          await full.getByRole('button', { name: 'Open' }).click();
          await full.getByRole('button', { name: 'Add a row' }).waitFor();
          await full.reload();
          await full.getByLabel('Token').waitFor(); // it was in memory alone
        });
      },
      { paths },
    );
  }));

test('saved state that cannot be read is dropped, and ?reset=1 clears all of it', () =>
  withStudio(async ({ daemon, open }) => {
    fill(daemon);
    const page = await open(users);
    await page.locator(cell(0, 0)).waitFor();
    await page.evaluate(`for (const name of ['theme', 'sidebar', 'columns', 'environments', 'split:row-panel', 'single-keys']) {
      localStorage.setItem('hoody-sqlite:' + name, name === 'columns' ? '{"tables.db\\\\nusers":{"name":7}}' : '{broken');
    }
    sessionStorage.setItem('hoody-sqlite:staged:tables.db', '[{"kind":"update"}]')`);
    await page.reload();
    await eventually(async () => expect(await text(page, 0, 1)).toBe('User 1'));
    await editName(page, 'staged');
    await page.getByText('1 staged edit').waitFor();
    await page.goto(`${daemon.url}/?reset=1${users}`);
    await eventually(async () => expect(await text(page, 0, 1)).toBe('User 1'));
    expect(page.url()).not.toContain('reset');
    expect(await page.locator('.staged-bar').count()).toBe(0);
  }));

test('nothing needs the mouse: jump menu, views, help, theme, read-only switch', () =>
  withStudio(async ({ daemon, open }) => {
    fill(daemon);
    const page = await open('');
    await page.locator('.top-bar').waitFor();
    await page.keyboard.press('/');
    await untilFocused(page.getByRole('combobox'));
    await page.keyboard.type('tables.db');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Choose a table' }).waitFor();
    await page.keyboard.press('Control+K');
    await page.getByRole('combobox').fill('orde');
    expect(await page.getByRole('option', { selected: true }).textContent()).toBe('orderstable');
    await page.keyboard.press('Enter');
    await page.locator(cell(0, 0)).waitFor();
    expect(page.url()).toContain('table=orders');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByText('Choose a table').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings and more' }).press('Enter');
    await page.getByRole('menuitemradio', { name: 'Dark' }).press('Enter');
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
    await page.getByRole('button', { name: 'read-write' }).press('Enter');
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.goBack();
    await page.goto(`${daemon.url}/${users}`);
    await page.getByText('read only: the page is set to read only').waitFor();
  }));

/** As the code of a view does that comes in that moment. */
const focusMainOnceMenuIsDrawn = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('[role=menuitemradio]') === null) return;
    observer.disconnect();
    document.getElementById('main').focus();
  }).observe(document.body, { childList: true, subtree: true });
`;

test('a menu opens however its code comes, and stays open whatever the page does meanwhile', () =>
  withStudio(async ({ open }) => {
    // Effects run late, so that the code may come between the first drawing and them.
    const page = await open('');
    await page.addInitScript('requestAnimationFrame = () => 0');
    let bring = () => {};
    const wanted = new Promise<void>((done) => {
      bring = done;
    });
    await page.route(/MenuList/, async (route) => {
      await wanted;
      await route.continue();
    });
    await page.reload();
    const button = page.getByRole('button', { name: 'Settings and more' });
    await button.click();
    await page.evaluate(focusMainOnceMenuIsDrawn);
    bring();
    const item = page.getByRole('menuitemradio', { name: 'Dark' });
    await item.waitFor();
    await eventually(async () => expect(await page.evaluate('document.activeElement.role')).toMatch(/^menuitem/));
    await page.evaluate('document.activeElement.blur()');
    await eventually(async () => expect(await page.evaluate('document.activeElement.role')).toMatch(/^menuitem/));
    await item.waitFor();
    await button.click();
    await item.waitFor({ state: 'detached' });
    await button.click();
    await item.waitFor();
    await page.locator('#main').click();
    await item.waitFor({ state: 'detached' });
  }));

test('the page asks nobody else, and its policy allows no script and no style from elsewhere', () =>
  withStudio(async ({ daemon, open }) => {
    fill(daemon);
    const page = await open(users);
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await page.reload();
    await page.locator(cell(0, 0)).waitFor();
    expect([...hosts]).toEqual([daemon.url]);
    const policy = (await page.request.get(`${daemon.url}/`)).headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(await page.evaluate('document.querySelectorAll("[style]").length')).toBeGreaterThan(0); // set by the CSSOM
  }));

test('axe finds nothing where a token is asked for', () =>
  withPaths(async (paths) => {
    const file = join(paths.folder, 'tokens');
    writeFileSync(file, 'full full-secret\n', { mode: 0o600 });
    await withDaemon(
      ['--auth-token-file', file],
      (daemon) =>
        withBrowser((openUrl) =>
          expectAccessible(
            { daemon, open: (address, options) => openUrl(`${daemon.url}/${address}`, options) },
            users,
            (page) => page.getByLabel('Token').waitFor(),
          ),
        ),
      { paths },
    );
  }));
