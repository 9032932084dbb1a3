// Which file system a path lies on, as this process's mounts tell it. The path itself is not touched.
import { type MountRow, readMounts } from '../../fs/index.ts';
import { isInside } from '../instance/paths.ts';

/** `path` is canonical. */
export function fileSystemOf(path: string): MountRow | undefined {
  return readMounts()
    .filter((row) => isInside(path, row.mountPoint))
    .reduce<MountRow | undefined>(
      // A later mount on the same place hides an earlier one.
      (deepest, row) => (deepest && deepest.mountPoint.length > row.mountPoint.length ? deepest : row),
      undefined,
    );
}
