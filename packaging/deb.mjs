// Builds hoody-sqlite_VERSION_ARCHITECTURE.deb from the built program: `npm run deb`, or after a build
// `node packaging/deb.mjs [FOLDER]` to put it elsewhere. Needs dpkg-deb; better-sqlite3's binary is the one of this
// checkout, so the package is for this processor and this major version of Node.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { productionFiles } from './production-files.mjs';

const root = join(import.meta.dirname, '..');
const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const debianVersion = (process.env.HOODY_SQLITE_DEB_VERSION ?? version).replace('-', '~');
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const maintainer = 'hoody-sqlite maintainers <maintainers@hoody-sqlite.invalid>';
const out = resolve(process.argv[2] ?? root);
/** In seconds: as https://reproducible-builds.org/specs/source-date-epoch has it, of the commit, or of this moment. */
const commitTime =
  Number(process.env.SOURCE_DATE_EPOCH) ||
  Number(spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).stdout) ||
  Math.floor(Date.now() / 1000);
const stage = mkdtempSync(join(tmpdir(), 'hoody-sqlite-deb-'));

try {
  stageProgram();
  stageShare();
  stageService();
  const control = join(stage, 'DEBIAN');
  write('DEBIAN/md5sums', md5sums());
  write('DEBIAN/conffiles', '/etc/default/hoody-sqlite\n');
  for (const name of ['postinst', 'prerm', 'postrm']) write(`DEBIAN/${name}`, packaged(name), 0o755);
  write('DEBIAN/control', controlText());
  chmodSync(control, 0o755);
  chmodSync(stage, 0o755);
  const file = join(out, `hoody-sqlite_${debianVersion}_${architecture}.deb`);
  // dpkg-deb gives every file this time at most: two builds of one commit are the same.
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(commitTime) };
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, file], { env, stdio: ['ignore', 2, 2] });
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(stage, { recursive: true });
}

function stageProgram() {
  const home = 'usr/lib/hoody-sqlite';
  for (const file of productionFiles()) {
    const target = copy(file, join(home, file), file === 'dist/daemon/main.js' ? 0o755 : 0o644);
    // Without strip(1) the package is larger, nothing else.
    if (/\.(node|so)$/.test(file)) spawnSync('strip', ['--strip-unneeded', target]);
  }
  mkdirSync(join(stage, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/hoody-sqlite/dist/daemon/main.js', join(stage, 'usr/bin/hoody-sqlite'));
}

function stageShare() {
  const share = 'dist/share';
  for (const entry of readdirSync(join(root, share), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = relative(join(root, share), join(entry.parentPath, entry.name));
    if (file.startsWith('man/')) write(`usr/share/${file}.gz`, gzip(readFileSync(join(root, share, file))));
    else copy(join(share, file), join('usr/share', file));
  }
  const doc = 'usr/share/doc/hoody-sqlite';
  // Folders of docs/ hold pictures of the studio: whoever has the package sees the studio itself.
  const docs = readdirSync(join(root, 'docs'), { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const page of ['README.md', ...docs.map(({ name }) => `docs/${name}`)]) copy(page, join(doc, page));
  copy('CHANGELOG.md', `${doc}/CHANGELOG.md`);
  const date = new Date(commitTime * 1000).toUTCString().replace('GMT', '+0000');
  const changes = `hoody-sqlite (${debianVersion}) stable; urgency=medium\n\n  * CHANGELOG.md lists the changes.\n`;
  write(`${doc}/changelog.gz`, gzip(`${changes}\n -- ${maintainer}  ${date}\n`));
  write(`${doc}/copyright`, copyright());
}

function stageService() {
  const unit = readFileSync(join(root, 'systemd/hoody-sqlite.service'), 'utf8');
  write('usr/lib/systemd/system/hoody-sqlite.service', unit.replaceAll('/usr/local/bin/', '/usr/bin/'));
  write('etc/default/hoody-sqlite', packaged('default'));
}

function controlText() {
  const kib = Math.ceil(staged().reduce((sum, file) => sum + statSync(file).size, 0) / 1024);
  return `Package: hoody-sqlite
Version: ${debianVersion}
Section: database
Priority: optional
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kib}
Depends: ${[...nodeRange(), ...libraries(), 'init-system-helpers (>= 1.51)'].join(', ')}
Recommends: e2fsprogs
Suggests: sqlite3
Description: ${description.replace(/: .*/, '')}
 One directory of SQLite databases is mounted for many containers. Concurrent
 writers wait for their turn instead of failing with "database is locked". The
 same files are served over HTTP: SQL, a key-value store with history, a feed
 of changes and a page to look at them.
 .
 It needs Node ${process.versions.node.split('.')[0]}, for which its compiled parts are built. Debian 12 has
 Node 18, which is too old: add NodeSource's repository first.
`;
}

/** better-sqlite3's binary is for one major version. */
function nodeRange() {
  const major = Number(process.versions.node.split('.')[0]);
  return [`nodejs (>= ${major === 20 ? '20.19' : major})`, `nodejs (<< ${major + 1})`];
}

/** The oldest libraries that have every symbol version which the binaries name. */
function libraries() {
  const needs = { GLIBC: [0, 0], GLIBCXX: [0, 0, 0] };
  for (const file of staged().filter((path) => /\.(node|so)$/.test(path))) {
    for (const [, name, text] of readFileSync(file, 'latin1').matchAll(/(GLIBC|GLIBCXX)_(\d+(?:\.\d+)+)/g)) {
      const found = text.split('.').map(Number);
      if (isNewer(found, needs[name])) needs[name] = found;
    }
  }
  // libstdc++'s GLIBCXX_3.4.28 came with gcc 10, 3.4.29 with 11, 3.4.30 with 12.
  const gcc = Math.max(5, needs.GLIBCXX[2] - 18);
  return [`libc6 (>= ${needs.GLIBC.join('.')})`, `libstdc++6 (>= ${gcc})`];
}

function isNewer(a, b) {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at >= 0 && a[at] > (b[at] ?? 0);
}

function copyright() {
  const packages = productionFiles().filter((file) => /^node_modules\/.*\/LICEN[CS]E[^/]*$/i.test(file));
  const list = packages.map((file) => ` /usr/lib/hoody-sqlite/${file}`).join('\n');
  return `hoody-sqlite:\n\n${readFileSync(join(root, 'LICENSE'), 'utf8')}\nThe licenses of the packages in it:\n\n${list}\n`;
}

function md5sums() {
  const lines = staged()
    .filter((file) => !relative(stage, file).startsWith('etc/'))
    .map((file) => `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${relative(stage, file)}\n`);
  return lines.sort().join('');
}

/** Every regular file so far, without those of DEBIAN/. */
function staged() {
  return readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(stage, 'DEBIAN')))
    .map((entry) => join(entry.parentPath, entry.name));
}

function packaged(name) {
  return readFileSync(join(root, 'packaging/debian', name), 'utf8');
}

function gzip(bytes) {
  return gzipSync(bytes, { level: 9 });
}

/** @returns the path of the copy */
function copy(file, target, mode = 0o644) {
  const path = join(stage, target);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(join(root, file), path);
  chmodSync(path, mode);
  return path;
}

function write(target, content, mode = 0o644) {
  const path = join(stage, target);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}
