// Edits of the studio over a real daemon and mount, beside a native program.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { apiOf, useDaemon } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const api = useDaemon();
const edit = (to: string) => ({
  changes: [{ kind: 'update', table: 't', key: [{ int: '1' }], set: { v: to }, expect: { v: 'one' } }],
});

test('an edit is refused with a conflict where python has changed the row since it was read', async () => {
  const { call, sql, daemon } = api();
  await sql(
    'edits',
    { statement: 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)' },
    { statement: "INSERT INTO t VALUES (1, 'one')" },
  );
  const python = `import sqlite3; c = sqlite3.connect('${daemon.mount}/edits.db'); c.execute("UPDATE t SET v = 'python'"); c.commit()`;
  expect((await run('python3', ['-c', python])).code).toBe(0);
  const refused = await call('POST', '/studio/apply?db=edits', { body: edit('two') });
  expect(refused.json).toMatchObject({
    code: 'CONFLICT',
    conflicts: [{ change: 0, reason: 'changed', now: { id: { int: '1' }, v: 'python' } }],
  });
  const again = { changes: [{ ...edit('two').changes[0], expect: { v: 'python' } }] };
  expect((await call('POST', '/studio/apply?db=edits', { body: again })).json).toEqual({
    sql: [`UPDATE "t" SET "v" = 'two' WHERE "id" = 1;`],
    keys: [null],
  });
  const broken = { changes: [{ kind: 'insert', table: 't', set: { id: { int: '1' } } }] };
  expect((await call('POST', '/studio/apply?db=edits', { body: broken })).json).toMatchObject({
    code: 'SQL_CONSTRAINT',
    change: 0,
  });
  const history = await call('GET', '/history?db=edits');
  expect(history.json.history[0]).toMatchObject({ sql: `UPDATE "t" SET "v" = 'two' WHERE "id" = 1;`, success: true });
});

test('a read token reads everything and changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
  writeFileSync(join(folder, 'tokens'), 'full secret\nread peek\n', { mode: 0o600 });
  try {
    await withDaemon(
      ['--no-mount', '--create-on-write', '--auth-token-file', join(folder, 'tokens')],
      async (daemon) => {
        const { call } = apiOf(daemon);
        const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
        const transaction = [{ statement: 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)' }];
        await call('POST', '/db?db=a', { body: { transaction }, ...as('secret') });
        expect((await call('GET', '/studio/databases')).status).toBe(401);
        expect((await call('GET', '/studio/databases', as('peek'))).json.access).toBe('read');
        expect((await call('GET', '/studio/databases', as('secret'))).json.access).toBe('full');
        expect((await call('POST', '/studio/rows?db=a', { body: { table: 't' }, ...as('peek') })).status).toBe(200);
        expect((await call('POST', '/studio/apply?db=a', { body: edit('x'), ...as('peek') })).json.code).toBe(
          'FORBIDDEN',
        );
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
