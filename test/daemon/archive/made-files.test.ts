import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesLinkedFor, filesMadeFor, handOver, mayBeMadeAt } from '../../../daemon/archive/made-files.ts';

let stateDir = '';
beforeAll(() => {
  stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-')));
  mkdirSync(join(stateDir, 'past/17'), { recursive: true });
  mkdirSync(join(stateDir, 'elsewhere'));
  symlinkSync(join(stateDir, 'elsewhere'), join(stateDir, 'past/18'));
});
afterAll(() => rmSync(stateDir, { recursive: true }));

test('a file of the server process is made in its folder', async () => {
  expect(await mayBeMadeAt(join(stateDir, 'past/17/a.db'), stateDir)).toBe(true);
});

test.each([
  '/etc/cron.d/a',
  'past/17/a',
  'STATE/a',
  'STATE/past/a',
  'STATE/past/17/b/a',
  'STATE/past/17/../../a',
  'STATE/past/17/../17/a',
  'STATE/past/x/a',
  'STATE/past/99/a',
  'STATE/past/18/a',
])('no file is made at %s', async (path) => {
  expect(await mayBeMadeAt(path.replace('STATE', stateDir), stateDir)).toBe(false);
});

test('only some questions make files, and one links a file', () => {
  const at = { head: true } as const;
  expect(filesMadeFor({ op: 'patch', database: 'a.db', at, path: '/x' })).toEqual(['/x']);
  expect(filesMadeFor({ op: 'materialise', database: 'a.db', at, path: '/y' })).toEqual(['/y']);
  expect(filesMadeFor({ op: 'resolve', database: 'a.db', at })).toEqual([]);
  const parts = { op: 'parts', database: 'a.db', at, base: '/b', path: '/x' } as const;
  expect([filesMadeFor(parts), filesLinkedFor(parts)]).toEqual([['/x'], ['/b']]);
  expect(filesLinkedFor({ op: 'patch', database: 'a.db', at, path: '/x' })).toEqual([]);
  const changed = { op: 'changed-tables', database: 'a.db', from: at, to: at } as const;
  expect(filesMadeFor(changed)).toEqual([]);
  expect(filesMadeFor({ ...changed, excerpts: { from: '/x', to: '/y' } })).toEqual(['/x', '/y']);
});

test('what was made is handed over, and nothing that was put in its place', async () => {
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: [] };
  const path = join(stateDir, 'past/17/made.db');
  const other = join(stateDir, 'other');
  writeFileSync(path, '');
  await handOver(path, user);
  writeFileSync(other, '');
  rmSync(path);
  linkSync(other, path);
  await expect(handOver(path, user)).rejects.toThrow('it is not the file that was made');
  rmSync(path);
  symlinkSync(other, path);
  await expect(handOver(path, user)).rejects.toThrow('ELOOP');
});
