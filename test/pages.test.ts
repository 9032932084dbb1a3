// The pages of the repository (*.md and the settings that users copy) keep their form, and what they name exists:
// files, links, scripts, commands, flags. Nothing in the repository refers to a document outside of it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../daemon/cli/command-table.ts';
import { helpText } from '../daemon/cli/help.ts';
import { options } from '../daemon/config/options.ts';

const root = resolve(import.meta.dirname, '..');
const notOurs = new Set(['node_modules', 'dist', '.git', 'package-lock.json']); // .git is a file in a worktree

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (notOurs.has(entry.name)) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

const files = filesBelow(root);
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const pages = files.filter((file) => file.endsWith('.md'));
const copied = files.filter(
  (file) => /^(docs|systemd)\/|^Containerfile|^\.ci\//.test(file) && !/\.(md|svg|png)$/.test(file),
);

interface Line {
  readonly at: string;
  readonly text: string;
}

function linesOf(file: string): Line[] {
  return textOf(file)
    .split('\n')
    .map((text, index) => ({ at: `${file}:${index + 1}`, text }));
}

test('the pages are found', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'fs/locks/README.md', 'docs/operations.md']));
  expect(copied).toEqual(expect.arrayContaining(['docs/alerts.yaml', 'systemd/hoody-sqlite.service', 'Containerfile']));
});

test.each([...pages, ...copied])('%s has lines of at most 120 characters', (file) => {
  expect(linesOf(file).filter(({ text }) => text.length > 120)).toEqual([]);
});

test.each([...pages, ...copied])('%s is plain ASCII', (file) => {
  expect(linesOf(file).filter(({ text }) => /[^\t -~]/.test(text))).toEqual([]);
});

test('comments of the code have lines of at most 120 characters', () => {
  const isComment = ({ text }: Line) => /^ *(\/\/|\*|\/\*|\{\/\*)/.test(text) && !text.includes('biome-ignore');
  const code = files.filter((file) => /\.(ts|tsx|mjs|c|css)$/.test(file));
  expect(code.length).toBeGreaterThan(300);
  expect(code.flatMap(linesOf).filter((line) => isComment(line) && line.text.length > 120)).toEqual([]);
});

test('the help of every command has lines of at most 120 characters', () => {
  const wide = [undefined, ...commands].flatMap((command) =>
    helpText(command)
      .split('\n')
      .filter((line) => line.length > 120),
  );
  expect(wide).toEqual([]);
});

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

const anchorsOf = (page: string) => [...textOf(page).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? ''));

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  const broken = links.filter((link) => {
    if (link.startsWith('https://')) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
  expect(broken).toEqual([]);
});

/** Words in backticks that look like a file or a folder of the repository. */
function namedFiles(page: string): string[] {
  const prose = textOf(page).replaceAll(/^ *```.*?^ *```$/gms, '');
  const words = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return words.filter(
    (word) =>
      /^[\w.@/-]+\.(ts|tsx|mjs|md|py|rb|c|yaml|service|env)$/.test(word) ||
      /^(daemon|fs|server|test|docs|systemd)\//.test(word),
  );
}

/** `clock.ts`, `sub/clock.ts` or `room/` as a reader of the page would look for it; `sql/*.ts` names any file there. */
function isInRepository(page: string, name: string): boolean {
  const [path = ''] = name.split('*');
  if (!name.includes('*')) {
    if ([dirname(page), '.'].some((folder) => existsSync(join(root, folder, path)))) return true;
    return files.some((file) => file.endsWith(`/${path}`) && statSync(join(root, file)).isFile());
  }
  return files.some((file) => file.startsWith(path) || file.includes(`/${path}`));
}

/** Files that a user makes, or that belong to others. */
const elsewhere = new Set(['openapi.yaml', '/etc/systemd/system/hoody-sqlite.service']);

test.each(pages)('the files that %s names exist', (page) => {
  expect(namedFiles(page).filter((name) => !elsewhere.has(name) && !isInRepository(page, name))).toEqual([]);
});

test('every row of "Where to find" names a function of its file', () => {
  const section = textOf('ARCHITECTURE.md').split('\n## Where to find\n')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| .* \| `([^`]+)` \| `([^`]+)` \|$/gm)];
  expect(rows.length).toBeGreaterThan(20);
  const wrong = rows.filter(([, file = '', name = '']) => !new RegExp(`${name}[(<: ]`).test(textOf(file)));
  expect(wrong.map(([row]) => row)).toEqual([]);
});

test.each([...pages, ...copied])('the npm scripts that %s names exist', (file) => {
  const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);
  const named = [...textOf(file).matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
  expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
});

const isToday = (page: string) => page !== 'CHANGELOG.md'; // it names what earlier versions had

test('the README has a row for every command', () => {
  const section = textOf('README.md').split('\n## Commands\n')[1]?.split('\n## ')[0] ?? '';
  const named = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap((row) => [...(row[1] ?? '').matchAll(/`(\w+)/g)]);
  expect([...new Set(named.map((match) => match[1]))].sort()).toEqual(commands.map(({ name }) => name).sort());
});

test('the README says of every package why it is there', () => {
  const table = textOf('README.md').split('\n## Dependencies\n')[1]?.split('\n## ')[0] ?? '';
  const names = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap((row) => (row[1] ?? '').split(', '));
  const known = names.map((name) => name.split(' ')[0] ?? '');
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json'));
  const packages = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
  const unexplained = packages.filter(
    (name) => !name.startsWith('@types/') && !known.includes(name) && !known.includes(name.replace(/\/.*/, '/*')),
  );
  expect(unexplained).toEqual([]);
});

interface CommandFlags {
  readonly name: string;
  readonly flags: readonly string[];
}

const known: CommandFlags[] = commands.map(({ name, settings, switches = [], values = [] }) => ({
  name,
  flags: [...settings.map((setting) => options[setting].flag), ...[...switches, ...values].map(({ flag }) => flag)],
}));

/**
 * What a page tells to type: in blocks of code and between backticks, from the program's name to the end of the
 * command.
 */
function typedCommands(page: string): string[] {
  const code = [...textOf(page).matchAll(/^ *```.*?^ *```$|`[^`\n]+`/gms)].map((match) => match[0]).join('\n');
  return [...code.matchAll(/(?:^|[\s`])hoody-sqlite ([a-z]+(?![a-z]*\s+Node)[^`#;|&\n]*)/gm)].map(
    (match) => match[1] ?? '',
  );
}

test.each(pages.filter(isToday))('the commands and flags that %s tells to type exist', (page) => {
  const wrong = typedCommands(page).filter((typed) => {
    const [name, ...words] = typed.trim().split(/[\s=,]+/);
    const command = known.find((row) => row.name === name);
    return !command || words.some((word) => word.startsWith('--') && !command.flags.includes(word.slice(2)));
  });
  expect(wrong).toEqual([]);
});

/** Flags of podman and docker, which the pages name as well. */
const flagsOfOthers = ['pid', 'device', 'privileged', 'build-arg'];

test.each(pages.filter(isToday))('the flags that %s names exist', (page) => {
  const flags = [...known.flatMap((command) => command.flags), ...flagsOfOthers];
  const named = [...textOf(page).matchAll(/`--([a-z][a-z-]+)[^`]*`/g)].map((match) => match[1] ?? '');
  expect(named.filter((flag) => !flags.includes(flag))).toEqual([]);
});

test('nothing refers to a document outside of the repository', () => {
  const texts = files.filter((file) => file !== 'test/pages.test.ts' && !/\.(svg|png|woff2|db)$/.test(file));
  const wrong = texts.flatMap((file) =>
    linesOf(file).filter(({ text }) => {
      const names = [...text.matchAll(/\b([A-Z][A-Z-]{3,}\.md)\b/g)].map((match) => match[1] ?? '');
      return names.some((name) => !isInRepository(file, name)) || /\b[A-Z]{4,} section \d|\b[Tt]he issue\b/.test(text);
    }),
  );
  expect(wrong).toEqual([]);
});
