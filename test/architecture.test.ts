// Reads the imports of every product file and fails on an arrow that ARCHITECTURE.md forbids.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folders = ['daemon', 'fs', 'server'] as const;

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => ({
    from: file,
    to: relative(root, resolve(root, dirname(file), match[1] ?? '')),
  }));
}

const top = (path: string) => path.split('/')[0] ?? '';
const imports = folders.flatMap((folder) => sourceFiles(folder).flatMap(importsOf));

test('server/ and fs/ never import each other, and neither imports daemon/', () => {
  const wrong = imports.filter(({ from, to }) => top(from) !== 'daemon' && top(from) !== top(to));
  expect(wrong).toEqual([]);
});

test('only index.ts of fs/ and server/ is imported from outside its folder', () => {
  const wrong = imports.filter(
    ({ from, to }) => top(from) !== top(to) && to !== 'fs/index.ts' && to !== 'server/index.ts',
  );
  expect(wrong).toEqual([]);
});

test('the lock table and the protocol codec do no I/O and read no clock', () => {
  const pure = sourceFiles('fs').filter((file) => /^fs\/(locks|protocol)\//.test(file));
  const wrong = pure.filter((file) =>
    /from 'node:(fs|child_process|net)'|from 'koffi'|Date\.now|performance\.now|Math\.random/.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  expect(wrong).toEqual([]);
});

/** What a file loads when it is imported: imports of types alone are erased. */
function loadedBy(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+(?!type\b)([^;]*?)\s*from\s+'([^']+)'/gm)]
    .filter(([, names = '']) => !/^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)*\s*\}$/.test(names))
    .map((match) => match[2] ?? '')
    .map((target) => (target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target));
}

/** Every file and package that `entry` loads, and by which way. */
function reachedFrom(entry: string): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>([[entry, [entry]]]);
  for (const [file, way] of ways) {
    if (!/^(daemon|fs|server)\//.test(file)) continue;
    for (const target of loadedBy(file)) if (!ways.has(target)) ways.set(target, [...way, target]);
  }
  return ways;
}

test('the server process loads no SQLite: only executors open databases', () => {
  expect(reachedFrom('server/executor/main.ts').has('better-sqlite3')).toBe(true);
  expect(reachedFrom('server/process/main.ts').get('better-sqlite3') ?? []).toEqual([]);
});

test('the server process and the executors import nothing of each other, and what both know imports neither', () => {
  const forbidden: Readonly<Record<string, RegExp>> = {
    process: /^server\/executor\//,
    executor: /^server\/process\//,
    messages: /^server\/(process|executor)\//,
  };
  const wrong = imports.filter(({ from, to }) => {
    const [floor, room = ''] = from.split('/');
    return floor === 'server' && forbidden[room]?.test(to);
  });
  expect(wrong).toEqual([]);
});

test('no file loads itself by way of others', () => {
  const inCircles = folders
    .flatMap(sourceFiles)
    .filter((file) => loadedBy(file).some((target) => reachedFrom(target).has(file)));
  expect(inCircles).toEqual([]);
});

test('no folder of product code is named utils, common, shared or helpers', () => {
  const wrong = folders.flatMap(sourceFiles).filter((file) => /\/(utils|common|shared|helpers)\//.test(file));
  expect(wrong).toEqual([]);
});
