// The Debian package, built from this checkout and unpacked: what is in it, and that the program in it runs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');
const hasDpkg = spawnSync('which', ['dpkg-deb']).status === 0;

/** The same moment for every build, in a checkout without git too. */
const env = { SOURCE_DATE_EPOCH: '1700000000' };

describe.runIf(hasDpkg)('the Debian package', () => {
  let folder = '';
  let deb = '';
  let files: string[] = [];
  const inTree = (path: string) => join(folder, 'tree', path);
  const field = (name: string) => spawnSync('dpkg-deb', ['-f', deb, name], { encoding: 'utf8' }).stdout.trim();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
    const built = await run(process.execPath, ['packaging/deb.mjs', folder], {
      cwd: checkout,
      env,
      timeoutMs: 300_000,
    });
    expect(built, built.stderr).toMatchObject({ code: 0 });
    deb = built.stdout.trim();
    expect(spawnSync('dpkg-deb', ['-x', deb, inTree('')])).toMatchObject({ status: 0 });
    files = (await run('dpkg-deb', ['-c', deb])).stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[5] ?? '');
  }, 400_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('has the program, its compiled parts, unit, pages and completions, and no sources', () => {
    const arch = process.arch;
    for (const name of [
      'usr/bin/hoody-sqlite',
      'usr/lib/hoody-sqlite/dist/server/studio/index.html',
      `usr/lib/hoody-sqlite/dist/server/executor/guard/hoody_guard-${arch}.so`,
      'usr/lib/hoody-sqlite/node_modules/better-sqlite3/build/Release/better_sqlite3.node',
      `usr/lib/hoody-sqlite/node_modules/@antoniomuso/lz4-napi-linux-${arch}-gnu/lz4-napi.linux-${arch}-gnu.node`,
      'usr/lib/systemd/system/hoody-sqlite.service',
      'usr/share/man/man1/hoody-sqlite.1.gz',
      'usr/share/bash-completion/completions/hoody-sqlite',
      'usr/share/zsh/vendor-completions/_hoody-sqlite',
      'usr/share/fish/vendor_completions.d/hoody-sqlite.fish',
      'usr/share/doc/hoody-sqlite/copyright',
      'etc/default/hoody-sqlite',
    ]) {
      expect(
        files.some((file) => file === `./${name}`),
        name,
      ).toBe(true);
    }
    expect(files.filter((file) => /\.(ts|tsx|map|c|cc|h|gyp)$|\/(deps|src)\/sqlite/.test(file))).toEqual([]);
    expect(
      files.filter((file) => /node_modules\/(typescript|vitest|vite|prebuild-install|@types)\//.test(file)),
    ).toEqual([]);
    // What dist/ has of an earlier layout of the sources stays out of it.
    const programs = files.filter((file) =>
      /hoody-sqlite\/dist\/(daemon|fs|server\/(process|executor|messages))\/.*\.js$/.test(file),
    );
    const sources = programs.map((file) => file.replace('./usr/lib/hoody-sqlite/dist/', '').replace(/\.js$/, '.ts'));
    expect(sources.length).toBeGreaterThan(200);
    expect(sources.filter((source) => !existsSync(join(checkout, source)))).toEqual([]);
    expect(statSync(deb).size).toBeLessThan(6 * 2 ** 20);
    expect(Number(field('Installed-Size'))).toBeLessThan(20 * 1024);
  });

  test('asks for the Node and the libraries that its binaries need', () => {
    const major = Number(process.versions.node.split('.')[0]);
    expect(field('Depends')).toContain(`nodejs (<< ${major + 1})`);
    expect(field('Depends')).toMatch(/nodejs \(>= (20\.19|\d\d)\), .*libc6 \(>= 2\.\d+\), libstdc\+\+6 \(>= \d+\)/);
    expect(field('Architecture')).toBe(process.arch === 'x64' ? 'amd64' : process.arch);
    expect(spawnSync('dpkg-deb', ['-I', deb, 'conffiles'], { encoding: 'utf8' }).stdout).toBe(
      '/etc/default/hoody-sqlite\n',
    );
    for (const script of ['postinst', 'prerm', 'postrm']) {
      const { stdout } = spawnSync('dpkg-deb', ['-I', deb, script], { encoding: 'utf8' });
      expect(spawnSync('sh', ['-n'], { input: stdout })).toMatchObject({ status: 0 });
    }
    const unit = readFileSync(inTree('usr/lib/systemd/system/hoody-sqlite.service'), 'utf8');
    expect(unit).toContain('ExecStart=/usr/bin/hoody-sqlite start --require-mount');
    expect(unit).not.toContain('/usr/local');
  });

  test('is the same when it is built twice', async () => {
    const again = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
    const built = await run(process.execPath, ['packaging/deb.mjs', again], { cwd: checkout, env, timeoutMs: 300_000 });
    try {
      expect(readFileSync(built.stdout.trim()).equals(readFileSync(deb))).toBe(true);
    } finally {
      rmSync(again, { recursive: true });
    }
  });

  test('runs from its own tree: version, check, and a daemon with a mount and HTTP', async () => {
    const program = inTree('usr/lib/hoody-sqlite/dist/daemon/main.js');
    const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
    const command = (...args: string[]) => run(process.execPath, [program, ...args], { cwd: folder });
    expect(await command('version')).toMatchObject({ code: 0, stdout: `hoody-sqlite ${version}\n` });
    const { checks } = JSON.parse((await command('check', '--json')).stdout) as {
      checks: { name: string; result: string }[];
    };
    expect(checks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'sqlite', result: 'ok' }),
        expect.objectContaining({ name: 'SQL guard', result: 'ok' }),
      ]),
    );
    await withDaemon(
      ['--create-on-write'],
      async (daemon) => {
        const put = await fetch(`${daemon.url}/api/v1/sqlite/kv/a?db=app`, { method: 'PUT', body: '1' });
        expect(put.status).toBe(200);
        const db = new Database(join(daemon.mount, 'app.db'));
        expect(db.prepare('SELECT count(*) FROM kv_store').pluck().get()).toBe(1);
        db.close();
        expect(await (await fetch(daemon.url)).text()).toContain('<html');
        expect((await fetch(`${daemon.url}/metrics`)).status).toBe(200);
      },
      { program },
    );
  });
});
