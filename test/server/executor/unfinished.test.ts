import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { databaseFileOperations } from '../../../server/executor/databases/file-operations.ts';

test('what an unfinished fork left is removed with its sidecars, and nothing else', () => {
  const root = mkdtempSync(join(tmpdir(), 'hoody-unfinished-'));
  try {
    const operation = databaseFileOperations.find(({ name }) => name === 'file.remove-unfinished');
    const run = operation?.run as (path: string, args: unknown, rules: unknown) => unknown;
    const names = ['.new-a', '.new-a-wal', '.new-a-journal', '.new-b', 'app.db', 'app.db-wal'];
    for (const name of names) writeFileSync(join(root, name), '');
    const rules = { root, dataDir: root, allowAnyAbsoluteDbPath: false, pastDir: '/none' };
    for (let time = 0; time < 2; time++) {
      expect(run(join(root, 'app.db'), { name: '.new-a' }, rules)).toBe(null);
      expect(readdirSync(root).sort()).toEqual(['.new-b', 'app.db', 'app.db-wal']);
    }
    expect(() => run(join(root, 'gone/app.db'), { name: '.new-a' }, rules)).toThrow('its directory does not exist');
    expect(existsSync(join(root, '.new-b'))).toBe(true);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
