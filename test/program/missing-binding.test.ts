// An installation whose better-sqlite3 has no compiled half: it says so at once instead of answering every request with
// an error.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');

test('without the binary of better-sqlite3, check and start fail and say what to install', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  try {
    for (const name of ['dist', 'package.json', 'systemd']) {
      cpSync(join(checkout, name), join(folder, name), { recursive: true });
    }
    const modules = join(checkout, 'node_modules');
    mkdirSync(join(folder, 'node_modules'));
    for (const name of readdirSync(modules)) {
      if (name !== 'better-sqlite3') symlinkSync(join(modules, name), join(folder, 'node_modules', name));
    }
    cpSync(join(modules, 'better-sqlite3/lib'), join(folder, 'node_modules/better-sqlite3/lib'), { recursive: true });
    cpSync(join(modules, 'better-sqlite3/package.json'), join(folder, 'node_modules/better-sqlite3/package.json'));

    const program = join(folder, 'dist/daemon/main.js');
    const places = ['--data', join(folder, 'data'), '--run-dir', join(folder, 'run'), '--listen', '127.0.0.1:0'];
    const check = await run(process.execPath, [program, 'check', ...places]);
    expect(check.code).toBe(1);
    expect(check.stdout).toMatch(/FAIL sqlite +better-sqlite3 cannot be loaded: .*\n +apt-get install .* npm rebuild/);
    const start = await run(process.execPath, [program, 'start', '--no-mount', ...places]);
    expect(start).toMatchObject({ code: 1, stderr: expect.stringContaining('npm rebuild better-sqlite3') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
