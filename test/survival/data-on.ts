// A data directory on a file system of its own, of a wanted kind.
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type DaemonPaths, withPaths } from '../helpers/daemon.ts';

export type Kind = 'ext4' | 'xfs' | 'btrfs' | 'tmpfs' | 'overlay';

const imageBytes = 400 << 20; // xfs wants 300 MiB

/** The kernel and this machine know that kind. */
export const isHere = (kind: Kind): boolean =>
  readFileSync('/proc/filesystems', 'latin1').includes(`\t${kind}\n`) &&
  (kind === 'tmpfs' || kind === 'overlay' || spawnSync(`mkfs.${kind}`, ['-V']).error === undefined);

/** Calls `test` with --data on a fresh file system of that kind, which is mounted on `disk`. */
export async function withDataOn(kind: Kind, test: (paths: DaemonPaths, disk: string) => Promise<void>): Promise<void> {
  await withPaths(async (paths) => {
    const disk = join(paths.folder, 'disk');
    const must = (command: string, ...args: string[]) => {
      const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
    };
    mkdirSync(disk);
    if (kind === 'tmpfs') must('mount', '-t', 'tmpfs', 'tmpfs', disk);
    else if (kind === 'overlay') {
      for (const name of ['lower', 'upper', 'work']) mkdirSync(join(paths.folder, name));
      const layers = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(paths.folder, name)}`).join(',');
      must('mount', '-t', 'overlay', 'overlay', '-o', layers, disk);
    } else {
      const image = join(paths.folder, 'image');
      const fd = openSync(image, 'w');
      ftruncateSync(fd, imageBytes);
      closeSync(fd);
      must(`mkfs.${kind}`, '-q', image);
      must('mount', '-o', 'loop', image, disk);
    }
    try {
      await test({ ...paths, data: join(disk, 'data') }, disk);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
}
