// Changes of others in a table that is shown: counted, followed, lit up, and never by a row that moves under the
// pointer.
import { join } from 'node:path';
import { expect } from 'vitest';
import { studioOfFile, browserTest as test } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';
import { inMountNamespace } from '../helpers/sqlite-writers.ts';

const withStudio = studioOfFile();

async function natively(mount: string, ...statements: string[]): Promise<void> {
  const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
for statement in sys.argv[2:]: db.execute(statement)`;
  const { stderr } = await inMountNamespace(['python3', '-c', script, join(mount, 'app.db'), ...statements]);
  expect(stderr).toBe('');
}

test('native writes are counted, and followed without moving a row under the pointer', () =>
  withStudio(async ({ daemon, open }) => {
    const { mount } = daemon;
    await natively(
      mount,
      'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)',
      "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    );
    const page = await open('#/tables?db=app.db&table=t');
    const cell = (text: string) => page.getByRole('gridcell', { name: text, exact: true });
    await cell('one').waitFor();
    await page.getByRole('button', { name: 'Follow' }).waitFor();
    await natively(mount, "UPDATE t SET v = 'uno' WHERE id = 1");
    await page.getByRole('button', { name: '1 new change' }).click();
    await cell('uno').waitFor();

    await page.getByRole('button', { name: 'Follow' }).click();
    await cell('two').hover();
    // It is lit for less than 2 s: whoever wants to see it looks before it comes.
    await Promise.all([
      page.locator('.is-changed', { hasText: 'due' }).waitFor(),
      natively(mount, "UPDATE t SET v = 'due' WHERE id = 2"),
    ]);
    await cell('due').waitFor(); // in its place: nothing moves

    await natively(mount, 'DELETE FROM t WHERE id = 1');
    await page.getByRole('button', { name: '1 new change' }).waitFor();
    expect(await cell('uno').count()).toBe(1);
    await page.getByRole('link', { name: 'Locks' }).hover();
    await cell('uno').waitFor({ state: 'detached' });
    await eventually(async () => expect(await page.locator('.live-count').count()).toBe(0));
  }));

test('where motion is not wanted nothing flashes', () =>
  withStudio(async ({ daemon, open }) => {
    await natively(daemon.mount, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)', "INSERT INTO t VALUES (1, 'one')");
    const page = await open('#/tables?db=app.db&table=t', { reducedMotion: 'reduce' });
    await page.getByRole('button', { name: 'Follow' }).click();
    const changed = page.locator('.is-changed', { hasText: 'uno' });
    // In one step, and asked before it comes: the mark is there for less than 2 s.
    const [animations] = await Promise.all([
      changed.evaluate((node) => (node.getAnimations as () => unknown[])().length),
      natively(daemon.mount, "UPDATE t SET v = 'uno' WHERE id = 1"),
    ]);
    expect(animations).toBe(0);
  }));
