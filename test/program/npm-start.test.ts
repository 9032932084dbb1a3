// `npm start` builds where there is no build, or one older than its sources, and only there: with the scripts of
// package.json, in a folder that has a build of its own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../helpers/process.ts';

const { scripts } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));
const sources = ['daemon/main.ts', 'fs/a.ts', 'server/studio/src/a.ts', 'packaging/a.mjs', 'tsconfig.json'];
const lastBuilt = 'dist/server/studio/index.html';

test('npm start builds where a source is newer than the build, and not otherwise', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  const write = (name: string, text = '') => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const changedAt = (name: string, seconds: number) => utimesSync(join(folder, name), seconds, seconds);
  const start = async () => {
    const { stdout, code } = await run('npm', ['start', '--silent'], { cwd: folder });
    return `${stdout.trim().replace('\n', ', ')} ${code}`;
  };
  try {
    const build = `echo built && mkdir -p ${dirname(lastBuilt)} && touch ${lastBuilt}`;
    const own = { prestart: scripts.prestart, build, start: 'echo started' };
    write('package.json', JSON.stringify({ scripts: own }));
    write('package-lock.json');
    for (const name of sources) write(name);
    expect(await start()).toBe('built, started 0');
    expect(await start()).toBe('started 0');
    for (const name of [...sources, 'package.json']) {
      changedAt(lastBuilt, Date.now() / 1000 + 10);
      expect(await start(), name).toBe('started 0');
      changedAt(name, Date.now() / 1000 + 20);
      expect(await start(), name).toBe('built, started 0');
      changedAt(name, 1);
    }
    rmSync(join(folder, 'dist'), { recursive: true });
    write('package.json', JSON.stringify({ scripts: { ...own, build: 'exit 7' } }));
    expect(await start()).toBe(' 7');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
