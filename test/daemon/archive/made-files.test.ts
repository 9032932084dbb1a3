import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileMadeFor, mayBeMadeAt } from '../../../daemon/archive/made-files.ts';

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

test('only two questions make a file', () => {
  const at = { head: true } as const;
  expect(fileMadeFor({ op: 'patch', database: 'a.db', at, path: '/x' })).toBe('/x');
  expect(fileMadeFor({ op: 'materialise', database: 'a.db', at, path: '/y' })).toBe('/y');
  expect(fileMadeFor({ op: 'resolve', database: 'a.db', at })).toBeUndefined();
});
