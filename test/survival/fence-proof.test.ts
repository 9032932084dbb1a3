// What the fence is for: the same history with it and without it. A program has a transaction open when its mount dies;
// another one writes through a new mount; then the first one commits. Both are told that their rows are stored.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';
import { query } from './load.ts';

const holderScript = join(import.meta.dirname, 'holder.py');

/** Rows by who was told that they are stored, and rows that are there in the end. */
async function history(fence: boolean): Promise<{ told: string[]; found: string }> {
  const first = await tempMount({ locks: 'coordinated' });
  const path = join(first.mountPoint, 'held.db');
  query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
  const holder = start('python3', [holderScript, 'transaction', path]);
  const told: string[] = [];
  try {
    await eventually(() => expect(holder.stdout() + holder.stderr()).toBe('open\n'));
    first.process.kill('SIGKILL');
    await eventually(() => expect(first.process.signalCode).toBe('SIGKILL'));
    const second = await tempMount({ locks: 'coordinated', dataDir: first.dataDir, fence, lockLimits: { fenceMs: 0 } });
    try {
      const insert = await run('sqlite3', [join(second.mountPoint, 'held.db'), "insert into t values ('newcomer', 1)"]);
      if (insert.code === 0) told.push('newcomer');
      const before = holder.stdout().length;
      holder.process.stdin?.write('commit\n');
      await Promise.race([
        holder.finished,
        eventually(() => expect(holder.stdout().slice(before)).toMatch(/done|failed/)),
      ]);
      if (holder.stdout().slice(before).includes('done')) told.push('holder');
      holder.process.kill('SIGKILL');
      await holder.finished;
      await eventually(async () => expect((await second.status()).fenced).toEqual([]));
      const held = join(second.mountPoint, 'held.db');
      const found = await run('sqlite3', [held, 'pragma integrity_check; select client from t order by client desc']);
      return { told, found: found.stdout + found.stderr };
    } finally {
      await second.close();
    }
  } finally {
    holder.process.kill('SIGKILL');
    await first.close();
  }
}

test('with the fence the newcomer is refused, and what was told is true', async () => {
  expect(await history(true)).toEqual({ told: ['holder'], found: 'ok\nholder\nbefore\n' });
});

test('without the fence somebody is told what is not true: a proof that the fence is needed', async () => {
  const { told, found } = await history(false);
  expect(told).toContain('newcomer');
  expect(found).not.toBe(['ok', ...told, 'before', ''].join('\n'));
});
