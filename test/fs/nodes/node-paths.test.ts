import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodePaths } from '../../../fs/nodes/node-paths.ts';
import { inodeKey, Node, type NodeStore } from '../../../fs/nodes/nodes.ts';
import type { NodeId } from '../../../fs/protocol/requests.ts';
import { close, emptyPath, O_CLOEXEC, O_PATH, openat } from '../../../fs/system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxSize } from '../../../fs/system/stat.ts';

let root: string;
let nodes: Map<NodeId, Node>;
let paths: NodePaths;
const store = { setFolder: () => {} } as unknown as NodeStore;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hoody-sqlite-paths-'));
  nodes = new Map();
  paths = new NodePaths(root, nodes);
});
afterEach(() => {
  for (const { fd } of nodes.values()) close(fd);
  rmSync(root, { recursive: true, force: true });
});

/** A node whose descriptor was opened by this path, as a successor has it: without names. */
function nodeOf(path: Buffer | string, folder: Node | undefined, isDirectory = false): Node {
  const whole = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path), Buffer.from([0])]);
  const fd = openat(AT_FDCWD, whole, O_PATH | O_CLOEXEC, 0);
  const stat = Buffer.alloc(statxSize);
  expect(statAt(fd, emptyPath, AT_EMPTY_PATH, stat)).toBe(true);
  const id = (nodes.size + 2) as NodeId;
  const counts = { lookups: 1, backingId: 0, folder: folder?.id ?? 0 } as const;
  const node = new Node({ id, key: inodeKey(stat), fd, isDirectory, space: 0 }, counts, store, 0);
  nodes.set(id, node);
  return node;
}

const named = (name: string) => Buffer.from(`${name}\0`);

test('a file is called by its newest name that leads to it', () => {
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'x.tmp'), '');
  const sub = nodeOf('sub', undefined, true);
  const node = nodeOf('x.tmp', undefined);
  const top = nodeOf('.', undefined, true);
  node.called(top, named('x.tmp'), 1);
  linkSync(join(root, 'x.tmp'), join(root, 'sub/x.db'));
  node.called(sub, named('x.db'), 2);
  expect(paths.of(node)).toBe('sub/x.db');
  rmSync(join(root, 'sub/x.db'));
  expect(paths.of(node)).toBe('x.tmp');
  rmSync(join(root, 'x.tmp'));
  expect(paths.of(node)).toBeUndefined();
});

test('without names it is looked for in the directory where the kernel has met it last, wherever that is now', () => {
  mkdirSync(join(root, 'sub'));
  for (let n = 0; n < 3000; n += 1) writeFileSync(join(root, 'sub', `other${n}`), '');
  writeFileSync(join(root, 'x.tmp'), '');
  const node = nodeOf('x.tmp', nodeOf('sub', undefined, true));
  linkSync(join(root, 'x.tmp'), join(root, 'sub/x.db'));
  rmSync(join(root, 'x.tmp'));
  renameSync(join(root, 'sub'), join(root, 'moved'));
  expect(paths.of(node)).toBe('moved/x.db');
});

test('a file that has lost its last name, or whose directory is gone, has none', () => {
  const top = nodeOf('.', undefined, true);
  writeFileSync(join(root, 'x'), '');
  const node = nodeOf('x', top);
  rmSync(join(root, 'x'));
  expect(paths.of(node)).toBeUndefined();
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub/y'), '');
  const sub = nodeOf('sub', top, true);
  const other = nodeOf('sub/y', sub);
  linkSync(join(root, 'sub/y'), join(root, 'kept'));
  rmSync(join(root, 'sub'), { recursive: true });
  expect(paths.of(other)).toBeUndefined();
});

test('names that are no UTF-8, or end as the kernel marks removed files, stay what they are', () => {
  const names = [Buffer.from('caf\xe9.db', 'latin1'), Buffer.from('caf\xe8.db', 'latin1'), Buffer.from('x (deleted)')];
  const shown = names.map((name) => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), '');
    return paths.of(nodeOf(name, undefined));
  });
  expect(shown).toEqual(['caf\\xe9.db', 'caf\\xe8.db', 'x (deleted)']);
});
