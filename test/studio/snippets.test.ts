// The snippets of a database, run on names that are hard to quote. test/browser/doors.test.ts runs them over HTTP and
// on the mount.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { apiName, snippetsFor } from '../../server/studio/src/start/snippets.ts';

const modules = resolve(import.meta.dirname, '../../node_modules');

test('a path with quotes, spaces, signs of the shell and other letters is opened as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-snippets-'));
  try {
    const path = join(folder, `it's a "file" $HOME \`x\` \\n \u00fc\u{1f600}.db`);
    new Database(path).exec('CREATE TABLE found (v)').close();
    const origin = 'http://127.0.0.1:1';
    const text = Object.fromEntries(
      snippetsFor({ path, db: path, origin, token: false }).map((snippet) => [snippet.id, snippet.text]),
    );
    const node = join(folder, 'snippet.mjs');
    writeFileSync(node, (text.node ?? '').replace("'better-sqlite3'", `'${modules}/better-sqlite3/lib/index.js'`));
    const runs: readonly (readonly [string, readonly string[]])[] = [['node', [node]]];
    const others: readonly (readonly [string, readonly string[]])[] = [
      ['python3', ['-c', text.python ?? '']],
      ['bash', ['-c', text.shell ?? '']],
    ];
    const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;
    for (const [program, args] of [...runs, ...others.filter(([program]) => isThere(program))]) {
      const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
      expect(stdout + stderr, program).toContain('found');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('where the server asks for a token, the snippets over HTTP take it from the environment', () => {
  const target = { path: '/data/app.db', db: 'app.db', origin: 'http://127.0.0.1:1', token: true };
  const http = snippetsFor(target).filter(({ door }) => door === 'http' || door === 'client');
  expect(http.map(({ id }) => id)).toEqual(['curl', 'fetch', 'libsql', 'redis', 'unstorage']);
  for (const { text, needs } of http) {
    expect(text).toMatch(/(Bearer|[tT]oken: ).*HOODY_TOKEN/);
    expect(needs).toContain('HOODY_TOKEN');
  }
});

test('the settings of an agent name the database and the token, and let it only read', () => {
  const target = { path: '/data/my app.db', db: 'my app.db', origin: 'http://127.0.0.1:1' };
  const settingsOf = (token: boolean) => {
    const [snippet] = snippetsFor({ ...target, token }).filter(({ door }) => door === 'agent');
    return JSON.parse(snippet?.text ?? '').mcpServers.sqlite;
  };
  expect(settingsOf(false)).toEqual({ type: 'http', url: 'http://127.0.0.1:1/mcp?db=my%20app.db' });
  expect(settingsOf(true)).toEqual({
    type: 'http',
    url: 'http://127.0.0.1:1/mcp?db=my%20app.db&write=false',
    headers: { Authorization: `Bearer $\{HOODY_TOKEN}` },
  });
});

test('the API knows a plain name by its name, everything else by its path', () => {
  expect(apiName('app.db', '/m/app.db')).toBe('app.db');
  expect(apiName('team/app.db', '/m/team/app.db')).toBe('/m/team/app.db');
  expect(apiName('my app.db', '/m/my app.db')).toBe('/m/my app.db');
});
