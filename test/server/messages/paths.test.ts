import { expect, test } from 'vitest';
import { resolveDatabase } from '../../../server/messages/paths.ts';

const rules = { root: '/hoody/databases', dataDir: '/var/lib/data', allowAnyAbsoluteDbPath: false };
const open = { ...rules, allowAnyAbsoluteDbPath: true };

test.each([
  ['app', '/hoody/databases/app.db'],
  ['./app', '/hoody/databases/app.db'],
  ['app.sqlite', '/hoody/databases/app.sqlite'],
  ['app.v2', '/hoody/databases/app.v2'],
  ['/hoody/databases/app.db', '/hoody/databases/app.db'],
  ['/hoody/databases/team/app', '/hoody/databases/team/app'],
  ['/hoody/databases/../databases/app.db', '/hoody/databases/app.db'],
  ['/var/lib/data/app.db', '/hoody/databases/app.db'],
])('%s is %s', (name, path) => {
  expect(resolveDatabase(name, rules)).toEqual({ name, path });
});

test('any absolute path is taken as it is when that is allowed, but never behind the mount', () => {
  expect(resolveDatabase('/data/app.db', open).path).toBe('/data/app.db');
  expect(resolveDatabase('/var/lib/data/x/app.db', open).path).toBe('/hoody/databases/x/app.db');
});

test.each([
  ['app-wal', '/hoody/databases/app-wal.db'],
  ['a'.repeat(244), `/hoody/databases/${'a'.repeat(244)}.db`],
])('%s is a name like any other', (name, path) => {
  expect(resolveDatabase(name, rules).path).toBe(path);
});

test.each([
  '',
  'dir/app.db',
  './dir/app',
  '../app',
  '..\\x',
  '..',
  '.',
  ':memory:',
  'a b',
  'app?mode=ro',
  'app#1',
  'a\0b',
  '/hoody/databases/\ud83d.db',
  '/data/app.db',
  '/hoody/databases/../../etc/x.db',
  '/hoody/databases/:memory:',
  '/hoody/databases-other/app.db',
  '/hoody/databases/store/.hoody_sqlite/cache.db',
  'app.db-wal',
  'app.db-shm',
  './app.db-journal',
  '/hoody/databases/app-wal',
  '/hoody/databases/app.db-journal',
  `${'a'.repeat(245)}.db`,
  'a'.repeat(245),
  `/hoody/databases/${'\u00e9'.repeat(124)}`,
])('%j is refused', (name) => {
  expect(() => resolveDatabase(name, rules)).toThrow(expect.objectContaining({ code: 'INVALID_DB_PATH' }));
});
