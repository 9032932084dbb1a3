// A database moves between disk and RAM while the mount serves, if no program has it open. The copier has made the
// other file before; here one step makes it the one that counts. Nobody opens a file within that step, so what the
// copier has seen of the old file is still true, or the move is refused.
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import { close, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, openat, renameat2, unlinkat } from '../system/files.ts';
import { lastErrno } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxOffset } from '../system/stat.ts';
import { inodeKey } from './nodes.ts';
import { dropFromRam } from './ram-names.ts';
import type { Tree } from './tree.ts';

export interface RamMove {
  /** Of the database, below the data directory. */
  readonly path: string;
  readonly to: 'ram' | 'disk';
  /** What the copier has seen of the main file, `-wal` and `-journal` where they lie now: see stampText. */
  readonly stamps: readonly string[];
}

/** `changed`: somebody has used it since it was copied. `busy`: these threads have it open. */
export type RamMoved =
  | { readonly result: 'moved' | 'changed' | 'absent' | 'already' }
  | { readonly result: 'busy'; readonly pids: readonly number[] }
  | { readonly result: 'failed'; readonly errno: number };

/** The files whose stamps matter. */
export function stampedFiles(database: string): readonly string[] {
  return [database, `${database}-wal`, `${database}-journal`];
}

/** Another one after any change of the file; empty: there is none. */
export function stampText(inode: bigint, size: bigint, mtimeNs: bigint): string {
  return `${inode}:${size}:${mtimeNs}`;
}

/** `dataDir` as in the options. */
export function moveDatabase(tree: Tree, dataDir: string, move: RamMove): RamMoved {
  const slash = move.path.lastIndexOf('/');
  const folderPath = slash < 0 ? '' : move.path.slice(0, slash);
  const name = Buffer.from(move.path.slice(slash + 1)).toString('latin1');
  const directory = Buffer.from(`${dataDir}/${folderPath}\0`);
  const parentFd = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (parentFd < 0) return { result: 'absent' };
  try {
    return move.to === 'ram' ? toRam(tree, parentFd, folderPath, name, move) : toDisk(tree, parentFd, name, move);
  } finally {
    close(parentFd);
  }
}

function toRam(tree: Tree, parentFd: number, folderPath: string, name: string, { stamps }: RamMove): RamMoved {
  const { ram, stat } = tree;
  if (!statAt(parentFd, Buffer.from('\0'), AT_EMPTY_PATH, stat)) return { result: 'absent' };
  const folder = ram.folders.madeFor(inodeKey(stat), parentFd, folderPath);
  if (folder === undefined || sqliteFileOf(name).kind !== 'database') return { result: 'absent' };
  if (folder.names.has(name)) return { result: 'already' };
  const pids = usersOf(tree, parentFd, name);
  if (pids.length > 0) return { result: 'busy', pids };
  if (!areStamps(tree, parentFd, name, stamps)) return { result: 'changed' };
  const moving = Buffer.from(`../moving/${name}\0`, 'latin1');
  if (renameat2(folder.fd, moving, folder.fd, bytesOf(name), 0) < 0) return { result: 'failed', errno: lastErrno() };
  for (const companion of ['-wal', '-shm']) unlinkat(parentFd, bytesOf(`${name}${companion}`), 0);
  ram.added(folder, name);
  return { result: 'moved' };
}

function toDisk(tree: Tree, parentFd: number, name: string, { stamps }: RamMove): RamMoved {
  const { ram, stat } = tree;
  if (!statAt(parentFd, Buffer.from('\0'), AT_EMPTY_PATH, stat)) return { result: 'absent' };
  const folder = ram.folders.get(inodeKey(stat));
  if (folder?.names.has(name) !== true) return { result: 'already' };
  const pids = usersOf(tree, folder.fd, name);
  if (pids.length > 0) return { result: 'busy', pids };
  if (!areStamps(tree, folder.fd, name, stamps)) return { result: 'changed' };
  for (const companion of ['-wal', '-shm']) unlinkat(parentFd, bytesOf(`${name}${companion}`), 0);
  dropFromRam(tree, folder, name);
  return { result: 'moved' };
}

function usersOf({ files, nodes, stat }: Tree, directory: number, database: string): number[] {
  const keys = new Set(
    filesOf(database).flatMap((file) =>
      statAt(directory, bytesOf(file), AT_SYMLINK_NOFOLLOW, stat) ? [inodeKey(stat)] : [],
    ),
  );
  if (![...keys].some((key) => (nodes.find(key)?.opens ?? 0) > 0)) return [];
  return [...new Set([...files.values()].flatMap(({ node, pid }) => (keys.has(node.key) ? [pid] : [])))];
}

function areStamps(tree: Tree, directory: number, database: string, stamps: readonly string[]): boolean {
  return stampedFiles(database).every((file, at) => stampAt(tree, directory, file) === stamps[at]);
}

function stampAt({ stat }: Tree, directory: number, file: string): string {
  if (!statAt(directory, bytesOf(file), AT_SYMLINK_NOFOLLOW, stat)) return '';
  const { ino, size, mtime } = statxOffset;
  const mtimeNs = stat.readBigInt64LE(mtime) * 1_000_000_000n + BigInt(stat.readUInt32LE(mtime + 8));
  return stampText(stat.readBigUInt64LE(ino), stat.readBigUInt64LE(size), mtimeNs);
}

function bytesOf(name: string): Buffer {
  return Buffer.from(`${name}\0`, 'latin1');
}
