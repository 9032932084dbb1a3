import { expect, test } from 'vitest';
import { onlyAbout } from '../../../daemon/commands/locks.ts';
import type { LockView } from '../../../fs/index.ts';

const database = (db: string) =>
  ({ db, journal: 'wal', holders: [], waiters: [] }) as unknown as LockView['databases'][number];
const view: LockView = { databases: ['app.db', 'app', 'folder/app.db', 'other.db'].map(database) };

test.each([
  [undefined, ['app.db', 'app', 'folder/app.db', 'other.db']],
  ['other', ['other.db']],
  ['other.db', ['other.db']],
  ['folder/app', ['folder/app.db']],
  ['/hoody/databases/other', ['other.db']],
  ['/hoody/databases/folder/app.db', ['folder/app.db']],
  ['/mnt/in/a/container/other.db', ['other.db']],
  ['app', ['app.db', 'app']],
  ['none', []],
])('locks %s is about %j', (name, found) => {
  expect(onlyAbout(name, view, ['/hoody/databases', '/data']).databases.map(({ db }) => db)).toEqual(found);
});
