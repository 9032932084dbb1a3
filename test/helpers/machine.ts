// A booted Debian with its own systemd, in systemd-nspawn: /dev/fuse and this checkout are passed in, everything that
// it writes is thrown away in the end. Runs without a systemd on the host.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { debianRoot } from './debian-root.ts';
import { eventually } from './eventually.ts';
import { type Finished, run, type Started, start } from './process.ts';

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const checkout = resolve(import.meta.dirname, '../..');

export interface Machine {
  /** On the machine's own disk (ext4 or whatever the host's temporary folder is on), not in the overlay. */
  readonly disk: string;
  /** Runs a shell script inside and resolves with its end, whatever the exit code. */
  sh(script: string, timeoutMs?: number): Promise<Finished>;
  /** Like sh, but rejects unless the exit code is 0; resolves with stdout without the last line end. */
  ok(script: string, timeoutMs?: number): Promise<string>;
  /** Starts a shell script inside, for clients that live on. */
  start(script: string): Started;
}

/** Inside, `hoody-sqlite` is on the PATH and /srv is a directory of the host's disk. */
export async function withMachine(
  test: (machine: Machine) => Promise<void>,
  options: { readonly network?: 'none' | 'host' } = {},
): Promise<void> {
  const root = await debianRoot();
  const disk = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-machine-')));
  const name = `hoody-sqlite-${process.pid}`;
  const groups = makeCgroups(name);
  const nspawn = start('sh', [
    '-c',
    `for group in ${groups.join(' ')}; do echo $$ >$group/cgroup.procs; done; exec "$@"`,
    'sh',
    'systemd-nspawn',
    '--quiet',
    '--register=no',
    '--keep-unit',
    '--volatile=overlay',
    '--capability=all',
    ...(options.network === 'host' ? [] : ['--private-network']),
    '--console=pipe',
    `--machine=${name}`,
    `--directory=${root}`,
    `--bind=${disk}:/srv`,
    '--bind=/dev/fuse',
    `--bind-ro=${process.execPath}:/usr/bin/node`,
    `--bind-ro=${checkout}:/opt/hoody-sqlite`,
    // A working copy may have its packages elsewhere, behind a link.
    `--bind-ro=${realpathSync(join(checkout, 'node_modules'))}`,
    '--boot',
  ]);
  try {
    const leader = await eventually(() => {
      const found = leaderOf(nspawn.pid);
      if (found === undefined) throw new Error(`no machine boots: ${nspawn.stdout()}${nspawn.stderr()}`);
      return found;
    });
    const enter = (script: string) => [
      '--target',
      String(leader),
      '--all',
      '--',
      'env',
      '-i',
      searchPath,
      'sh',
      '-c',
      script,
    ];
    const sh = (script: string, timeoutMs = 60_000) => run('nsenter', enter(script), { timeoutMs });
    const ok = async (script: string, timeoutMs?: number) => {
      const { code, stdout, stderr } = await sh(script, timeoutMs);
      if (code !== 0) throw new Error(`${script}\nended with ${code}\n${stdout}${stderr}`);
      return stdout.replace(/\n$/, '');
    };
    await eventually(() => ok('systemctl is-system-running'), { intervalMs: 100 });
    await ok('ln -s /opt/hoody-sqlite/dist/daemon/main.js /usr/local/bin/hoody-sqlite');
    await test({ disk, sh, ok, start: (script) => start('nsenter', enter(script)) });
  } finally {
    // SIGTERM to nspawn would ask the machine to shut down in order; a test has no reason to wait for that.
    const leader = leaderOf(nspawn.pid);
    if (leader !== undefined) process.kill(leader, 'SIGKILL');
    nspawn.process.kill('SIGKILL');
    await nspawn.finished;
    rmSync(disk, { recursive: true, force: true });
    rmSync(`/run/systemd/nspawn/propagate/${name}`, { recursive: true, force: true });
    for (const group of groups) await eventually(() => removeCgroup(group));
  }
}

/** The machine's own place in each hierarchy that systemd uses: cgroup 2, or cgroup 1 with one or both beside it. */
function makeCgroups(name: string): string[] {
  const bases = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];
  const hierarchies = bases.filter((base) => existsSync(`${base}/cgroup.procs`));
  return hierarchies.map((base) => {
    mkdirSync(join(base, name));
    return join(base, name);
  });
}

/** Empty folders only; throws while a process of the machine is still ending. */
function removeCgroup(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(group, entry.name));
  }
  rmdirSync(group);
}

/** The machine's first process, as the host numbers it; undefined while there is none that has come so far. */
function leaderOf(nspawnPid: number): number | undefined {
  const children = readFileSync(`/proc/${nspawnPid}/task/${nspawnPid}/children`, 'latin1').trim().split(' ');
  return children.filter(Boolean).map(Number).find(isSystemd);
}

function isSystemd(pid: number): boolean {
  try {
    return /^Name:\tsystemd\n.*^NSpid:[^\n]*\t1$/ms.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
