// Which file system a path lies on, as /proc/self/mountinfo tells it. The path itself is not touched.
import { readFileSync } from 'node:fs';
import { isInside } from './paths.ts';

export interface FileSystem {
  readonly mountPoint: string;
  /** As `ext4`, `nfs4`, `fuse.hoody-sqlite`. */
  readonly type: string;
  readonly source: string;
}

/** `path` is canonical. */
export function fileSystemOf(path: string): FileSystem | undefined {
  return parseFileSystems(readFileSync('/proc/self/mountinfo', 'utf8'))
    .filter((row) => isInside(path, row.mountPoint))
    .reduce<FileSystem | undefined>(
      // A later mount on the same place hides an earlier one.
      (deepest, row) => (deepest && deepest.mountPoint.length > row.mountPoint.length ? deepest : row),
      undefined,
    );
}

export function parseFileSystems(mountInfo: string): FileSystem[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4];
    const [type = '', source = ''] = after.split(' ');
    return mountPoint === undefined ? [] : [{ mountPoint: unescapeOctal(mountPoint), type, source }];
  });
}

/** The kernel writes space, tab, newline and backslash as \040 and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
