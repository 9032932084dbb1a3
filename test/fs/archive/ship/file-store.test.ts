import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../../../fs/archive/ship/open-store.ts';
import type { ShipStore, StoredObject } from '../../../../fs/archive/ship/store.ts';

let root: string;
let store: ShipStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ship-store-'));
  store = openStore(`file://${root}/a%20store`);
});
afterEach(() => rmSync(root, { recursive: true }));

async function listed(prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found;
}

const names = async (prefix: string) => (await listed(prefix)).map(({ name }) => name);

test('an object is what was written, with its time to the millisecond', async () => {
  const timeMs = 1_764_000_000_123;
  expect(await store.write('x/app.db/one', Buffer.from('hello'), { timeMs })).toBe(true);
  const path = join(root, 'a store', 'x/app.db/one');
  expect(readFileSync(path, 'utf8')).toBe('hello');
  expect(Math.floor(statSync(path).mtimeMs)).toBe(timeMs);
  const [found] = await listed('x/');
  expect(found).toMatchObject({ name: 'x/app.db/one', bytes: 5 });
  expect(Math.floor(found?.timeMs ?? 0)).toBe(timeMs);
  expect((await store.read('x/app.db/one', { offset: 1, bytes: 3 })).toString()).toBe('ell');
  await expect(store.read('x/app.db/one', { offset: 4, bytes: 3 })).rejects.toMatchObject({ code: 'damaged' });
  await expect(store.read('x/nothing')).rejects.toMatchObject({ code: 'missing' });
});

test('lists ascending by the whole name, of a prefix that need not end at a folder, without unfinished files', async () => {
  for (const name of ['b/2', 'b/1', 'b.c', 'b-c/1', 'a', 'bb/x/y']) await store.write(name, Buffer.from(name));
  writeFileSync(join(root, 'a store', 'b', '.1.draft.tmp'), 'half');
  expect(await names('')).toEqual(['a', 'b-c/1', 'b.c', 'b/1', 'b/2', 'bb/x/y']);
  expect(await names('b')).toEqual(['b-c/1', 'b.c', 'b/1', 'b/2', 'bb/x/y']);
  expect(await names('b/')).toEqual(['b/1', 'b/2']);
  expect(await names('bb/x/')).toEqual(['bb/x/y']);
  expect(await names('none/at/all')).toEqual([]);
});

test('of many that write a new object at once, one wins, and its content is whole', async () => {
  const contents = Array.from({ length: 20 }, (_, index) => Buffer.alloc(10_000, index));
  const writes = contents.map((content) => store.write('x/next', content, { onlyIfNew: true }));
  // Folders of several levels, which all of them lack at first.
  const others = contents.map((content, index) => store.write(`${index % 3}/2/3/4/5/6`, content));
  const won = await Promise.all(writes);
  await Promise.all(others);
  expect(won.filter((isNew) => isNew)).toHaveLength(1);
  expect(await store.read('x/next')).toEqual(contents[won.indexOf(true)]);
  expect(readdirSync(join(root, 'a store', 'x'))).toEqual(['next']);
});

test('a file may be the content; removing what is gone is no error', async () => {
  const path = join(root, 'content');
  writeFileSync(path, 'of a file');
  await store.write('f', { path });
  expect((await store.read('f')).toString()).toBe('of a file');
  await store.remove(['f', 'g']);
  expect(await names('')).toEqual([]);
});

test('a folder that is no folder is told with its URL; no name leads out of the store', async () => {
  writeFileSync(join(root, 'a store'), '');
  await expect(store.write('x', Buffer.from(''))).rejects.toThrow(/^file:\/\/.*a%20store/);
  const inProc = openStore('file:///proc/hoody-sqlite/store');
  await expect(inProc.write('x/y', Buffer.from(''))).rejects.toMatchObject({ name: 'ShipError' });
  await expect(store.read('../content')).rejects.toMatchObject({ code: 'bad-url' });
});

test.each(['ftp://user:secret@host/x?token=secret', 'file://folder', 'folder'])(
  '%s is refused without secrets',
  (url) => {
    expect(() => openStore(url)).toThrow(expect.objectContaining({ code: 'bad-url' }));
    expect(() => openStore(url)).not.toThrow(/secret/);
  },
);
