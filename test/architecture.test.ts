// Reads the imports of every product file, and fails on an arrow that ARCHITECTURE.md does not allow. The tables of
// rooms there are the rules: an arrow that stands in one and that no file needs fails as well.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const floors = ['daemon', 'fs', 'server'] as const;

interface Import {
  readonly from: string;
  /** A file below the root, or the name of a package. */
  readonly to: string;
  /** It is erased: nothing is loaded. */
  readonly isType: boolean;
  /** import(): it is loaded later, if at all. */
  readonly isDeferred: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const statement =
  /^(?:import|export)\s+(type\b)?([^;'"]*?)\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm;
const onlyTypes = /^\s*\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)+\s*\}\s*$/;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(statement)].map(([, type, names = '', from, bare, deferred]) => {
    const target = from ?? bare ?? deferred ?? '';
    return {
      from: file,
      to: target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target,
      isType: type !== undefined || onlyTypes.test(names),
      isDeferred: deferred !== undefined,
    };
  });
}

const files = floors.flatMap(sourceFiles);
const importsByFile: ReadonlyMap<string, readonly Import[]> = new Map(files.map((file) => [file, importsOf(file)]));
const imports = [...importsByFile.values()].flat();
const ownImports = imports.filter(({ to }) => importsByFile.has(to));
const floorOf = (file: string) => file.split('/')[0] ?? '';
const shown = ({ from, to }: Import) => `${from} -> ${to}`;

/** Every file and package that `entry` loads, and by which way. */
function loadedBy(entry: string): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>([[entry, [entry]]]);
  for (const [file, way] of ways) {
    for (const { to, isType, isDeferred } of importsByFile.get(file) ?? []) {
      if (!isType && !isDeferred && !ways.has(to)) ways.set(to, [...way, to]);
    }
  }
  return ways;
}

test('every import that names a file names one that is there', () => {
  const missing = imports.filter(({ to }) => /^(daemon|fs|server)\/.*\.tsx?$/.test(to) && !importsByFile.has(to));
  expect(missing.map(shown)).toEqual([]);
});

test('server/ and fs/ never import each other, and neither imports daemon/', () => {
  const wrong = ownImports.filter(({ from, to }) => floorOf(from) !== 'daemon' && floorOf(from) !== floorOf(to));
  expect(wrong.map(shown)).toEqual([]);
});

test('only index.ts of fs/ and server/ is imported from outside its folder', () => {
  const doors = ['fs/index.ts', 'server/index.ts'];
  const wrong = ownImports.filter(({ from, to }) => floorOf(from) !== floorOf(to) && !doors.includes(to));
  expect(wrong.map(shown)).toEqual([]);
});

test('the lock table and the protocol codec, and all that they load, do no I/O and read no clock', () => {
  const impure = /from 'node:(fs|child_process|net|dgram)|from 'koffi'|Date\.now|performance\.now|hrtime|Math\.random/;
  const pure = files.filter((file) => /^fs\/(locks|protocol)\//.test(file));
  const loaded = new Set(pure.flatMap((file) => [...loadedBy(file).keys()]).filter((file) => importsByFile.has(file)));
  expect(pure.length).toBeGreaterThan(10);
  expect([...loaded].filter((file) => impure.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('only executors and rewinders load SQLite: neither the server process nor the fs process does', () => {
  expect(loadedBy('server/executor/main.ts').has('better-sqlite3')).toBe(true);
  expect(loadedBy('server/process/main.ts').get('better-sqlite3') ?? []).toEqual([]);
  expect(loadedBy('fs/main.ts').get('better-sqlite3') ?? []).toEqual([]);
});

test('the server process and the executors import nothing of each other, and what both know imports neither', () => {
  const forbidden: Readonly<Record<string, RegExp>> = {
    process: /^server\/executor\//,
    executor: /^server\/process\//,
    messages: /^server\/(process|executor)\//,
  };
  const wrong = ownImports.filter(({ from, to }) => {
    const [floor, room = ''] = from.split('/');
    return floor === 'server' && forbidden[room]?.test(to);
  });
  expect(wrong.map(shown)).toEqual([]);
});

test('the page knows the types of messages/studio/ and how SQL text is cut, and nobody imports the page', () => {
  const inPage = (file: string) => file.startsWith('server/studio/');
  const pure = new Set(['server/messages/sql-statements.ts', 'server/messages/sql-tokens.ts']);
  const crossing = ownImports.filter(({ from, to }) => inPage(from) !== inPage(to));
  const allowed = ({ from, to, isType }: Import) =>
    inPage(from) && (pure.has(to) || (isType && to.startsWith('server/messages/studio/')));
  expect(crossing.filter((found) => !allowed(found)).map(shown)).toEqual([]);
});

describe('rooms', () => {
  const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

  /** Rows of the table under the floor's heading: room -> what it imports, as it is written there. */
  function tableOf(floor: string): ReadonlyMap<string, string> {
    const section = page.split(`### ${floor}/\n`)[1]?.split('\n#')[0] ?? '';
    const rows = [...section.matchAll(/^\| `([\w/-]+)\/` \|.*\| ([^|]*) \|$/gm)];
    return new Map(rows.map(([, room = '', allowed = '']) => [room, allowed]));
  }

  /** The room of the table that a file lies in; '' for a file of the floor's top, which all its rooms may import. */
  function roomOf(file: string, rooms: Iterable<string>): string {
    const path = file.slice(floorOf(file).length + 1);
    if (!path.includes('/')) return '';
    const [room] = [...rooms].filter((name) => path.startsWith(`${name}/`)).sort((a, b) => b.length - a.length);
    return room ?? path.slice(0, path.indexOf('/'));
  }

  /** How a row names another room: without the folders that both lie in. */
  function nameFor(own: string, other: string): string {
    for (let folder = own; folder !== '.'; folder = dirname(folder)) {
      if (other.startsWith(`${folder}/`)) return other.slice(folder.length + 1);
    }
    return other;
  }

  test.each(floors)('%s/: each imports what its row in ARCHITECTURE.md says, and all of it', (floor) => {
    const table = tableOf(floor);
    const arrows = new Map<string, Map<string, boolean>>();
    for (const file of sourceFiles(floor)) {
      const room = roomOf(file, table.keys());
      if (room !== '') arrows.set(room, arrows.get(room) ?? new Map());
    }
    for (const { from, to, isType } of ownImports) {
      if (floorOf(from) !== floor || floorOf(to) !== floor) continue;
      const [own, other] = [roomOf(from, table.keys()), roomOf(to, table.keys())];
      const known = arrows.get(own);
      if (own === other || other === '') continue;
      const name = nameFor(own, other);
      known?.set(name, isType && (known.get(name) ?? true));
    }
    const written = (others: ReadonlyMap<string, boolean>): string => {
      const names = (wanted: boolean) => [...others].filter(([, isType]) => isType === wanted).map(([name]) => name);
      const [loaded, types] = [names(false).sort().join(', '), names(true).sort().join(', ')];
      if (names(false).length === arrows.size - 1) return 'all';
      return [loaded, types === '' ? '' : `types of ${types}`].filter((part) => part !== '').join('; ') || '-';
    };
    const found = new Map([...arrows].map(([room, others]) => [room, written(others)]));
    const sorted = (rows: ReadonlyMap<string, string>) => Object.fromEntries([...rows].sort());
    expect(sorted(table), `the right column of "### ${floor}/" in ARCHITECTURE.md says what is received`).toEqual(
      sorted(found),
    );
  });

  test('a file at the top of a floor that rooms import loads nothing of any room', () => {
    const tops = new Set(ownImports.map(({ to }) => to).filter((file) => /^\w+\/[\w-]+\.ts$/.test(file)));
    const leaves = [...tops].filter((file) => !/\/(index|main)\.ts$/.test(file));
    const wrong = leaves.flatMap((file) =>
      (importsByFile.get(file) ?? []).filter(({ to, isType }) => !isType && /^\w+\/[\w-]+\//.test(to)),
    );
    expect(wrong.map(shown)).toEqual([]);
  });
});

describe('circles', () => {
  /** Groups of files that import each other, by way of others or at once. */
  function circles(counts: (found: Import) => boolean): string[][] {
    const order = new Map<string, number>();
    const low = new Map<string, number>();
    const stack: string[] = [];
    const groups: string[][] = [];
    const visit = (file: string): void => {
      order.set(file, order.size);
      low.set(file, order.get(file) ?? 0);
      stack.push(file);
      for (const found of importsByFile.get(file) ?? []) {
        if (!importsByFile.has(found.to) || !counts(found)) continue;
        if (!order.has(found.to)) visit(found.to);
        if (stack.includes(found.to)) low.set(file, Math.min(low.get(file) ?? 0, low.get(found.to) ?? 0));
      }
      if (low.get(file) !== order.get(file)) return;
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1) groups.push(group.sort());
    };
    for (const file of files) if (!order.has(file)) visit(file);
    return groups;
  }

  /** Why each is there stands in ARCHITECTURE.md. */
  const explained = [
    ['daemon/cli/command-table.ts', 'daemon/cli/help.ts', 'daemon/commands/completion.ts', 'daemon/commands/help.ts'],
    ['server/process/scheduler/executor.ts', 'server/process/scheduler/group.ts'],
  ];

  test('no file loads itself by way of others', () => {
    expect(circles(({ isType, isDeferred }) => !isType && !isDeferred)).toEqual([]);
  });

  test('no file imports itself by way of others, types included, but for the circles that are explained', () => {
    expect(circles(() => true).sort()).toEqual(explained);
  });
});

test('no folder of product code is named utils, common, shared or helpers', () => {
  const wrong = files.filter((file) => /\/(utils|common|shared|helpers)\//.test(file));
  expect(wrong).toEqual([]);
});
