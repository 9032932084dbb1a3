// Containers in tests: runc with a Debian root of their own and their own pid, ipc, uts, mount and cgroup namespaces.
// They see the host's directory that holds the mount as /hoody, bound the way docs/containers.md says.
import { spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type DaemonPaths, withPaths } from './daemon.ts';
import { debianRoot } from './debian-root.ts';
import { type Finished, run, type Started, start } from './process.ts';

/** What docs/containers.md names for a daemon that mounts. */
export const daemonCapabilities: readonly string[] = [
  ...['SYS_ADMIN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'CHOWN', 'FOWNER', 'FSETID', 'SETUID', 'SETGID', 'SETPCAP'],
  ...['SYS_PTRACE', 'LEASE', 'KILL', 'LINUX_IMMUTABLE'],
].map((name) => `CAP_${name}`);
export const fuseDevice: object = { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o600 };

export const bind = (source: string, destination: string, ...options: string[]): object => ({
  source,
  destination,
  type: 'bind',
  options: ['rbind', ...options],
});

const checkout = resolve(import.meta.dirname, '../..');

/** The program, as `node /opt/hoody-sqlite/dist/daemon/main.js`. */
export const programBinds: readonly object[] = [
  bind(process.execPath, '/usr/bin/node', 'ro'),
  bind(checkout, '/opt/hoody-sqlite', 'ro'),
  bind(realpathSync(join(checkout, 'node_modules')), '/opt/node_modules', 'ro'), // it may be a link in the checkout
];

/** The parent of the mount point, and a place that containers may share with the test. */
export const hostFolder = (paths: DaemonPaths) => join(paths.folder, 'hoody');

/**
 * Like withPaths, with the mount at hoody/databases on a file system whose mounts propagate, as systemd makes every
 * one.
 */
export async function withSharedPaths<T>(test: (paths: DaemonPaths) => Promise<T>): Promise<T> {
  return await withPaths(async (plain) => {
    const paths = { ...plain, mount: join(hostFolder(plain), 'databases') };
    mkdirSync(paths.mount, { recursive: true });
    spawnSync('mount', ['--bind', paths.folder, paths.folder]);
    spawnSync('mount', ['--make-rshared', paths.folder]);
    try {
      return await test(paths);
    } finally {
      spawnSync('umount', ['--lazy', paths.folder]);
    }
  });
}

export interface Container extends Started {
  readonly id: string;
  /** Runs another program in it. */
  exec(...command: string[]): Promise<Finished>;
  /** Kills every process in it and forgets it. */
  remove(): Promise<void>;
}

export interface ContainerOptions {
  readonly uid?: number;
  readonly script: string;
  /** Further entries of the OCI specification, for a container that is no plain client. */
  readonly capabilities?: readonly string[];
  readonly mounts?: readonly object[];
  readonly devices?: readonly object[];
  /** Sees the host's processes. */
  readonly hostPids?: boolean;
  /** What is mounted in it below a bind that is rshared appears on the host. */
  readonly sharesMounts?: boolean;
  readonly memoryBytes?: number;
}

export async function startContainer(paths: DaemonPaths, name: string, options: ContainerOptions): Promise<Container> {
  const id = `hoody-test-${process.pid}-${name}`;
  const bundle = join(paths.folder, 'containers', name);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(specification(id, await debianRoot(), paths, options)));
  const runc = ['--root', join(paths.folder, 'runc')];
  const started = start('runc', [...runc, 'run', '--bundle', bundle, id]);
  const exec = (...command: string[]) => run('runc', [...runc, 'exec', id, ...command]);
  const remove = async () => {
    await run('runc', [...runc, 'delete', '--force', id]);
    await started.finished;
  };
  return { ...started, id, exec, remove };
}

function specification(id: string, root: string, paths: DaemonPaths, options: ContainerOptions): object {
  const { uid = 0, script, mounts = [], devices = [], hostPids = false, sharesMounts = false, memoryBytes } = options;
  const capabilities = options.capabilities ?? (uid === 0 ? ['CAP_DAC_OVERRIDE', 'CAP_CHOWN', 'CAP_FOWNER'] : []);
  const namespaces = ['ipc', 'uts', 'mount', 'cgroup', ...(hostPids ? [] : ['pid'])];
  return {
    ociVersion: '1.0.2',
    hostname: id,
    root: { path: root, readonly: true },
    process: {
      user: { uid, gid: uid },
      cwd: '/',
      env: ['PATH=/usr/bin:/bin'],
      args: ['sh', '-c', script],
      noNewPrivileges: true,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/hoody', type: 'bind', source: hostFolder(paths), options: ['rbind', 'rslave'] },
      ...mounts,
    ],
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: namespaces.map((type) => ({ type })),
      devices,
      ...(sharesMounts && { rootfsPropagation: 'shared' }),
      resources: {
        devices: [{ allow: true, access: 'rwm' }],
        ...(memoryBytes !== undefined && { memory: { limit: memoryBytes, swap: memoryBytes } }),
      },
    },
  };
}
