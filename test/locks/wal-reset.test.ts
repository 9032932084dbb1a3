// The WAL-reset bug of SQLite 3.7.0 to 3.51.2: commits are lost on ext4, none on the mount. Debian 12 ships 3.40.1.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';

const script = resolve(import.meta.dirname, 'clients/wal-reset.py');

interface Outcome {
  readonly version: string;
  readonly committed: number;
  readonly stored: number;
  readonly integrity: string;
}

async function steerInto(database: string): Promise<Outcome> {
  const { stdout, stderr } = await run('python3', [script, database], { timeoutMs: 60_000 });
  if (stdout === '') throw new Error(`no answer: ${stderr}`);
  return JSON.parse(stdout) as Outcome;
}

test.each(['auto', 'off'] as const)('no commit is lost on the mount, passthrough %s', async (passthrough) => {
  const mount = await tempMount({ passthrough, locks: 'coordinated' });
  try {
    const outcome = await steerInto(join(mount.mountPoint, 'reset.db'));
    expect(outcome).toMatchObject({ stored: outcome.committed, integrity: 'ok' });
    expect((await mount.status()).locks?.refusals).toBeGreaterThan(0);
  } finally {
    await mount.close();
  }
});

test('without the shield an affected library loses commits: the steps really lead into the bug', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-reset-'));
  try {
    const { version, stored, committed } = await steerInto(join(folder, 'reset.db'));
    const [, minor = 0, patch = 0] = version.split('.').map(Number);
    const isAffected = minor < 51 || (minor === 51 && patch <= 2);
    expect(stored < committed, version).toBe(isAffected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
