// The files that the built program needs on a machine where it only runs: no sources, maps, types, tests and compilers.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Needed by `npm ci` alone. */
const installers = new Set(['prebuild-install']);
/** Of another C library, for web pages, or built beside what is used. */
const unusedFolders = new Set(['musl_x64', 'musl_arm64', 'browser', 'obj.target', '.deps', 'docs', 'test', 'tests']);

/** Paths relative to the checkout. @throws Error when something has not been built or installed */
export function productionFiles() {
  const files = ['package.json', 'LICENSE', ...below('systemd'), ...below('dist').filter(isCurrent)];
  for (const folder of productionPackages()) files.push(...below(folder).filter(isUsed));
  const lz4 = `lz4-napi-linux-${process.arch}-gnu`;
  const binaries = [
    join('node_modules', 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node'),
    join('node_modules', '@antoniomuso', lz4, `${lz4.replace('-napi-', '-napi.')}.node`),
  ];
  for (const needed of ['dist/daemon/main.js', 'dist/server/studio/index.html', ...binaries]) {
    if (!files.includes(needed)) throw new Error(`${needed} is missing: run npm ci and npm run build first`);
  }
  return files;
}

/** What dist/ has of an earlier build is left out: each program file has its source. */
function isCurrent(file) {
  if (file.startsWith('dist/share/')) return false; // goes to /usr/share
  if (!file.endsWith('.js') || file.startsWith('dist/server/studio/')) return !file.endsWith('.map');
  const source = join(root, file.slice('dist/'.length).replace(/\.js$/, ''));
  return existsSync(`${source}.ts`) || existsSync(`${source}.tsx`);
}

function isUsed(file) {
  if (file.split('/').some((part) => unusedFolders.has(part))) return false;
  if (/(^|\/)(cnoke\.cjs|bin\.mjs)$/.test(file)) return false; // programs for builders
  if (file.endsWith('.node')) return !file.endsWith('test_extension.node');
  return /\.(js|cjs|mjs|json)$|\/(LICENSE|LICENCE|COPYING|NOTICE)[^/]*$/i.test(file) && !/\.d\.[cm]?ts$/.test(file);
}

/** The folders of the packages that package.json and their own package.json files name, as Node finds them. */
function productionPackages() {
  const found = new Set();
  const visit = (folder) => {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (installers.has(name)) continue;
      const place = placeOf(name, folder);
      if (place === undefined && name in optionalDependencies) continue; // for another machine
      if (place === undefined) throw new Error(`the package ${name} is not installed: run npm ci first`);
      if (found.has(place)) continue;
      found.add(place);
      visit(place);
    }
  };
  visit(root);
  return [...found].map((folder) => relative(root, folder)).sort();
}

function placeOf(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
    if (folder === root) return undefined;
  }
}

/** Regular files only; a package's own node_modules are packages of their own. */
function below(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : below(path);
    return entry.isFile() ? [path] : [];
  });
}
