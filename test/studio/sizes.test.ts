// The built page stays within its budgets.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const isBuilt = existsSync(resolve(root, 'dist/server/studio/.vite/manifest.json'));

test.skipIf(!isBuilt)('the built page is within its budgets (skipped where npm run build has not made it)', () => {
  const { status, stdout } = spawnSync(process.execPath, [resolve(root, 'server/studio/sizes.mjs')], {
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/first page: script [\d.]+ of 40 KB, style [\d.]+ of 10 KB/);
  expect(status, stdout).toBe(0);
});
