// A Debian root directory for tests that boot a machine or run a container: built by debootstrap once per computer and
// kept below the system's temp folder, then only read. About a minute and 300 MB the first time; the system's own
// cleaning of that folder takes it away.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { run } from './process.ts';

const folder = join(tmpdir(), 'hoody-sqlite-debian-root');
const buildTimeoutMs = 900_000;
const mirror = 'http://deb.debian.org/debian';
const packages = [
  'systemd',
  'systemd-sysv',
  'python3-minimal',
  'libpython3-stdlib',
  'sqlite3',
  'libstdc++6',
  'libatomic1',
  'procps',
];

/** False where the programs are missing or this is not root: the tests that need them are then skipped. */
export const canRunContainers =
  process.getuid?.() === 0 &&
  ['debootstrap', 'systemd-nspawn', 'runc', 'bwrap'].every((name) => spawnSync('which', [name]).status === 0);

/** Builds the root before the tests of a `describe`, whose own time is too short for that. */
export function prepareDebianRoot(): void {
  beforeAll(async () => {
    await debianRoot();
  }, buildTimeoutMs);
}

/** Resolves with a directory that nobody may write to: put an overlay over it, or mount it read-only. */
export async function debianRoot(): Promise<string> {
  const root = join(folder, 'debian-12');
  if (existsSync(root)) return root;
  const unfinished = join(folder, `debian-12-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const built = await run(
      'debootstrap',
      ['--variant=minbase', `--include=${packages.join(',')}`, 'bookworm', unfinished, mirror],
      { timeoutMs: buildTimeoutMs },
    );
    if (built.code !== 0) throw new Error(`debootstrap failed: ${built.stdout.slice(-2000)}${built.stderr}`);
    mkdirSync(join(unfinished, 'hoody')); // where containers get the mount; the root itself is read-only to them
    // Another run may have built one meanwhile.
    if (!existsSync(root)) renameSync(unfinished, root);
    return root;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
