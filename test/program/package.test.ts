// What `npm pack` puts into the tarball: all that its pages link to, and nothing that is of no use without the sources.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');

test('every link of every page in the tarball leads to a file in the tarball', async () => {
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: checkout });
  const files: string[] = JSON.parse(packed.stdout)[0].files.map(({ path }: { path: string }) => path);
  expect(files).toContain('dist/daemon/main.js');
  expect(files).toContain('dist/share/man/man1/hoody-sqlite.1');
  expect(files).toContain(`dist/server/executor/guard/hoody_guard-${process.arch}.so`);
  expect(files.filter((path) => /\.(map|ts|tsx)$/.test(path))).toEqual([]);
  const pages = files.filter((path) => path.endsWith('.md'));
  expect(pages).toContain('README.md');
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(checkout, page), 'utf8').matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)]
      .map((match) => normalize(join(dirname(page), match[1] ?? '')))
      .filter((target) => !files.includes(target) && !files.some((path) => path.startsWith(`${target}/`)))
      .map((target) => `${page} -> ${target}`),
  );
  expect(dead).toEqual([]);
  expect(existsSync(join(checkout, 'dist/daemon/main.js'))).toBe(true);
});
