// Keys in the page: their tree, their history, roll back and undo, edits that somebody else was faster with, and native
// writes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import {
  axeFindings,
  expectAccessible,
  message,
  studioOfFile,
  browserTest as test,
  withStudio as withOwnStudio,
} from '../helpers/browser.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { inMountNamespace } from '../helpers/sqlite-writers.ts';

const withStudio = studioOfFile();

const json = 'application/json';

async function put({ url }: Daemon, key: string, value: string, type = json, more = ''): Promise<void> {
  const path = `${url}/api/v1/sqlite/kv/${encodeURIComponent(key)}?db=app.db&create_db_if_missing=true${more}`;
  const reply = await fetch(path, { method: 'PUT', headers: { 'content-type': type }, body: value });
  expect(reply.status).toBe(200);
}

async function read({ url }: Daemon, key: string): Promise<string> {
  return (await fetch(`${url}/api/v1/sqlite/kv/${encodeURIComponent(key)}?db=app.db`)).text();
}

/** The words of each operation in the history, newest first. */
async function operations({ url }: Daemon, key: string): Promise<string[]> {
  const reply = await fetch(`${url}/api/v1/sqlite/kv/${encodeURIComponent(key)}/history?db=app.db`);
  const { operations: list } = (await reply.json()) as { operations: { operation: { op: string } }[] };
  return list.map(({ operation }) => operation.op);
}

/** A python program on the mount writes a key as SQL, in a mount namespace of its own. */
async function writeNatively({ mount }: Daemon, key: string, value: string): Promise<void> {
  const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
db.execute('UPDATE kv_store SET value = ? WHERE key = ?', (sys.argv[3], sys.argv[2]))
db.commit()`;
  const { stderr } = await inMountNamespace(['python3', '-c', script, join(mount, 'app.db'), key, value]);
  expect(stderr).toBe('');
}

/** Who wrote each version of a key, newest first. */
async function writersOf({ url }: Daemon, key: string): Promise<string[]> {
  const reply = await fetch(`${url}/api/v1/sqlite/kv/${encodeURIComponent(key)}/history?db=app.db`);
  const { operations: list } = (await reply.json()) as { operations: { client: string }[] };
  return list.map(({ client }) => client);
}

/**
 * A key with three versions, the second by a native program that the history names. Names come half a second late, and
 * the first change of a new table, or one that two programs may have made, never gets one: then another key is tried.
 */
async function keyWithNamedNative(daemon: Daemon): Promise<string> {
  let attempts = 0;
  return eventually(
    async () => {
      attempts += 1;
      const key = `cfg/limit-${attempts}`;
      await put(daemon, key, '1');
      await writeNatively(daemon, key, '2');
      await eventually(async () => expect((await writersOf(daemon, key))[0]).toMatch(/^native:python3/), {
        timeoutMs: 5_000,
      });
      await put(daemon, key, '3');
      return key;
    },
    { timeoutMs: 30_000 },
  );
}

const value = (page: Page) => page.locator('pre.value-text');
const entries = (page: Page) => page.locator('.history-entry');

test('a key is rolled back in two clicks, as a new version, and the toast undoes it', () =>
  withStudio(async ({ daemon, open }) => {
    await put(daemon, 'cfg/theme', '{"mode":"light"}');
    await put(daemon, 'cfg/theme', '{"mode":"dark"}');
    const page = await open('#/keys?db=app.db&key=cfg/theme');
    await page.getByRole('button', { name: 'Roll back to v1' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Writes v3 equal to v1').waitFor();
    expect(await dialog.locator('.diff-line.is-removed').textContent()).toContain('dark');
    expect(await dialog.locator('.diff-line.is-added').textContent()).toContain('light');
    const button = dialog.getByRole('button', { name: 'Roll back' });
    await eventually(async () => expect(await button.evaluate((node) => node.matches(':focus'))).toBe(true));
    await button.click();
    await message(page, 'cfg/theme is as it was at v1').waitFor();
    expect(await read(daemon, 'cfg/theme')).toBe('{"mode":"light"}');
    await eventually(async () => expect(await entries(page).count()).toBe(3));
    expect(await value(page).textContent()).toContain('"light"');
    await page.getByRole('button', { name: 'Undo' }).click();
    await message(page, 'cfg/theme is as it was before').waitFor();
    expect(await read(daemon, 'cfg/theme')).toBe('{"mode":"dark"}');
    expect(await operations(daemon, 'cfg/theme')).toEqual(['SET', 'SET', 'SET', 'SET']);
  }));

test('what a key was at a moment, and who changed it, is told of natives and of HTTP clients', () =>
  withStudio(async ({ daemon, open }) => {
    const key = await keyWithNamedNative(daemon);
    const page = await open(`#/keys?db=app.db&key=${key}`);
    await eventually(async () => expect(await entries(page).count()).toBe(3));
    const whos = await page.locator('.history-who').allTextContents();
    expect(whos[0]).toContain('127.0.0.1over HTTP');
    expect(whos[1]).toMatch(/^python3pid \d+ on the host/);
    await entries(page).nth(1).click();
    await page.getByText('Value then').waitFor();
    await eventually(async () => expect(await value(page).textContent()).toBe('2'));
    await page.getByRole('tab', { name: 'Its change' }).click();
    await page.locator('.diff-line.is-added', { hasText: '2' }).waitFor();
    await page.getByLabel(/Compare v2 with/).selectOption({ index: 0 });
    await page.locator('.diff-line.is-added', { hasText: '3' }).waitFor();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.locator('.diff-pair').first().waitFor();
    // A reload, and a link that was sent, show the same.
    await page.reload();
    await page.locator('.diff-pair').first().waitFor();
    const today = new Date(Date.now() + 60_000).toISOString().slice(0, 19);
    await page.getByLabel('Value at').fill(today);
    await page.getByText('v3', { exact: false }).first().waitFor();
  }));

test('a native write appears without a reload', () =>
  withStudio(async ({ daemon, open }) => {
    await put(daemon, 'counter', '1');
    const page = await open('#/keys?db=app.db&key=counter');
    await eventually(async () => expect(await value(page).textContent()).toBe('1'));
    const live = await open('#/live?db=app.db');
    await live.getByText('Waiting for a commit').waitFor();
    await writeNatively(daemon, 'counter', '2');
    await live.locator('.live-entry', { hasText: 'python3' }).first().waitFor();
    await live.locator('.live-entry.is-key', { hasText: 'key counter was set' }).first().waitFor();
    // Not by itself: somebody may be reading.
    await page.getByText('Somebody has just changed this key').waitFor();
    expect(await value(page).textContent()).toBe('1');
    await page.getByRole('button', { name: 'Show the new value' }).click();
    await eventually(async () => expect(await value(page).textContent()).toBe('2'));
    await page.getByRole('button', { name: 'Follow' }).click();
    await writeNatively(daemon, 'counter', '3');
    await eventually(async () => expect(await value(page).textContent()).toBe('3'));
    expect(await entries(page).count()).toBe(3);
  }));

test('an edit that somebody else was faster with is not stored over theirs unseen', () =>
  withStudio(async ({ daemon, open }) => {
    await put(daemon, 'cfg', '{"a":1,"big":9223372036854775807}', json, '&ttl=3600');
    const page = await open('#/keys?db=app.db&key=cfg');
    await page.getByRole('button', { name: 'Edit' }).click();
    const field = page.getByRole('textbox', { name: 'Value', exact: true });
    await field.fill('{"a":');
    await page.getByText('Not JSON yet').waitFor();
    await field.fill('{\n  "a": 2,\n  "big": 9223372036854775807\n}');
    await put(daemon, 'cfg', '{"a":7}', json, '&ttl=3600');
    await page.keyboard.press('Control+s');
    await page.getByText('Somebody else was faster').waitFor();
    expect(await read(daemon, 'cfg')).toBe('{"a":7}');
    await page.getByRole('button', { name: 'Store mine as the newest' }).click();
    await message(page, 'cfg is stored').waitFor();
    // On one line as before, every digit kept, and it still ends.
    expect(await read(daemon, 'cfg')).toBe('{"a":2,"big":9223372036854775807}');
    await page.getByText(/expires in (59 min|1 h)/).waitFor();
    expect(await operations(daemon, 'cfg')).toHaveLength(3);
  }));

test('keys are made, given a time to live, deleted and brought back', () =>
  withStudio(async ({ daemon, open }) => {
    await put(daemon, 'first', '1');
    const page = await open('#/keys?db=app.db');
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name').fill('first');
    await page.getByLabel('Value', { exact: true }).fill('{"made": true}');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('There is a key first already').waitFor();
    await page.getByLabel('Name').fill('team/a b?#%');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'team/a b?#%' }).waitFor();
    expect(await read(daemon, 'team/a b?#%')).toBe('{"made": true}');
    await page.getByRole('treeitem', { name: 'a b?#%' }).waitFor();
    const menu = (item: string) =>
      page
        .getByRole('button', { name: 'More for this key' })
        .click()
        .then(() => page.getByRole('menuitem', { name: item }).click());
    await menu('Time to live ...');
    await page.getByLabel('Unit of time').selectOption('after some hours');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/expires in (59 min|1 h)/).waitFor();
    await menu('Delete the key');
    await page.getByText('This key is gone').waitFor();
    expect(await read(daemon, 'team/a b?#%')).toBe('null');
    await page.getByRole('button', { name: 'Undo' }).click();
    await message(page, 'team/a b?#% is back').waitFor();
    expect(await read(daemon, 'team/a b?#%')).toBe('{"made": true}');
  }));

/** The tree opens again where it was left: after another view, and after a key that took its place. */
async function expectKeptPlace(page: Page, scroller: string): Promise<void> {
  const ways: readonly (() => Promise<unknown>)[] = [
    () => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Locks' }).click(),
    () => page.getByTitle('user/1100').dispatchEvent('click'),
  ];
  for (const leave of ways) {
    await page.getByTitle('user/1100').waitFor();
    const middle = 'const box = document.querySelector(name); box.scrollTop = 2000; return box.scrollTop;';
    const top = await page.evaluate(`(name => { ${middle} })('${scroller}')`);
    expect(top).toBe(2000);
    await leave();
    await page.waitForURL(/locks|key=/);
    await page.goBack();
    await page.getByTitle('user/1100').waitFor();
    await eventually(async () =>
      expect(await page.evaluate(`document.querySelector('${scroller}').scrollTop`)).toBe(2000),
    );
  }
}

test('no key is missing from the tree without a sign, and arrows walk through it', () =>
  withStudio(async ({ daemon, open }) => {
    const batch = (from: number) => {
      const items = Array.from({ length: 100 }, (_, place) => ({ key: `user/${from + place}`, value: '1' }));
      const url = `${daemon.url}/api/v1/sqlite/kv/batch/set?db=app.db&create_db_if_missing=true`;
      return fetch(url, { method: 'POST', body: JSON.stringify({ items }) });
    };
    for (const from of [1000, 1100, 1200]) expect((await batch(from)).status).toBe(200);
    await put(daemon, 'gone', '"was here"');
    await fetch(`${daemon.url}/api/v1/sqlite/kv/gone?db=app.db`, { method: 'DELETE' });
    const page = await open('#/keys?db=app.db');
    const user = page.getByRole('treeitem', { name: 'user/' });
    await user.waitFor();
    expect(await user.textContent()).toContain('300');
    await user.focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('200 shown, there are more').waitFor();
    await page.keyboard.press('End');
    await eventually(async () => {
      expect(await page.locator('.key-row:focus').textContent()).toContain('there are more');
    });
    await page.keyboard.press('Enter');
    await eventually(async () => expect(await page.getByRole('treeitem').count()).toBe(301));
    await expectKeptPlace(page, '.key-tree-box');
    const phone = await open('#/keys?db=app.db', { viewport: { width: 390, height: 844 } });
    await phone.getByRole('treeitem', { name: 'user/' }).click();
    await expectKeptPlace(phone, '.main');
    await page.bringToFront();
    await page.keyboard.press('/');
    await page.getByRole('combobox').fill('1250');
    await page.getByRole('option', { name: /user\/1250/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'user/1250' }).waitFor();
    await page.getByLabel('Search keys').fill('1299');
    await eventually(async () => expect(await page.getByRole('treeitem').count()).toBe(1));
    await page.getByRole('treeitem', { name: 'user/1299' }).click();
    await page.getByRole('heading', { name: 'user/1299' }).waitFor();
    // A key that is gone is still found by its name.
    await page.getByLabel('Search keys').fill('gone');
    await page.getByRole('button', { name: 'Look for a deleted key' }).click();
    await page.getByText('This key is gone').waitFor();
    await page.getByRole('button', { name: 'Roll back to v1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await eventually(async () => expect(await read(daemon, 'gone')).toBe('"was here"'));
  }));

test('bytes are shown as a dump, and survive a rollback', () =>
  withStudio(async ({ daemon, open }) => {
    const url = `${daemon.url}/api/v1/sqlite/kv/logo?db=app.db&create_db_if_missing=true`;
    const bytes = Uint8Array.from({ length: 256 }, (_, place) => place);
    const write = (body: Uint8Array<ArrayBuffer>) => fetch(url, { method: 'PUT', body: new Blob([body]) });
    await write(bytes);
    await write(bytes.slice(0, 100));
    const page = await open('#/keys?db=app.db&key=logo');
    await page.getByText('00000060').waitFor();
    await page.getByRole('button', { name: 'Roll back to v1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await message(page, 'logo is as it was at v1').waitFor();
    expect(new Uint8Array(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
  }));

test('on a phone the list and the key take turns', () =>
  withStudio(async ({ daemon, open }) => {
    await put(daemon, 'a', '"one"');
    await put(daemon, 'a', '"two"');
    const page = await open('#/keys?db=app.db', { viewport: { width: 390, height: 844 }, hasTouch: true });
    // Not 'a': a row that says "Loading" has one too.
    await page.getByRole('treeitem', { name: /^a/ }).tap();
    await eventually(async () => expect(await value(page).textContent()).toBe('"two"'));
    expect(await page.getByRole('treeitem').count()).toBe(0);
    await entries(page).nth(1).tap();
    await page.getByRole('button', { name: 'Back to the value now' }).tap();
    await eventually(async () => expect(await value(page).textContent()).toBe('"two"'));
    await page.getByRole('button', { name: 'Back to all keys' }).tap();
    await page.getByRole('treeitem', { name: /^a/ }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  }));

test('whoever may only read sees keys and their past, and no control that changes them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
  const file = join(folder, 'tokens');
  writeFileSync(file, 'full writer-token\nread reader-token\n', { mode: 0o600 });
  return withOwnStudio(
    async ({ daemon, open }) => {
      const url = `${daemon.url}/api/v1/sqlite/kv/a?db=app.db&create_db_if_missing=true`;
      for (const body of ['1', '2']) {
        const headers = { 'content-type': json, authorization: 'Bearer writer-token' };
        expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
      }
      const page = await open('#/keys?db=app.db&key=a');
      await page.locator('input[type=password]').fill('reader-token');
      await page.keyboard.press('Enter');
      await eventually(async () => expect(await value(page).textContent()).toBe('2'));
      await eventually(async () => expect(await entries(page).count()).toBe(2));
      for (const name of [/^Edit/, /Roll back/, /New key/, /Delete/]) {
        expect(await page.getByRole('button', { name }).count()).toBe(0);
      }
      await page.keyboard.press('e');
      expect(await page.getByRole('textbox', { name: 'Value', exact: true }).count()).toBe(0);
      await entries(page).nth(1).click();
      await eventually(async () => expect(await value(page).textContent()).toBe('1'));
    },
    ['--create-on-write', '--auth-token-file', file],
  ).finally(() => rmSync(folder, { recursive: true, force: true }));
});

test('axe finds nothing wrong with keys, their history, the dialogs and the log of commits', () =>
  withStudio(async (studio) => {
    const { daemon } = studio;
    await put(daemon, 'cfg/theme', '{"mode":"light","list":[1,null]}');
    await put(daemon, 'cfg/theme', '{"mode":"dark","list":[1,null]}');
    await expectAccessible(studio, '#/keys?db=app.db', async (page) => {
      await page.getByRole('treeitem', { name: 'cfg/' }).click();
      await page.getByRole('treeitem', { name: 'theme' }).waitFor();
    });
    await expectAccessible(studio, '#/keys?db=app.db&key=cfg/theme', async (page) => {
      await value(page).waitFor();
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('textbox', { name: 'Value', exact: true }).waitFor();
    });
    await expectAccessible(studio, '#/keys?db=app.db&key=cfg/theme&version=1&with=now', async (page) => {
      await page.locator('.diff-line.is-added').waitFor();
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Roll back to this' }).click();
      await page.getByRole('dialog').locator('.diff-line.is-added').waitFor();
    });
    await expectAccessible(studio, '#/live?db=app.db', async (page) => {
      await page.getByText('Waiting for a commit').waitFor();
      await writeNatively(daemon, 'cfg/theme', `"${Math.random()}"`);
      await page.locator('.live-entry').first().waitFor();
    });
  }));
