// The mode that the root of the mount shows. It is kept in an extended attribute of the data directory, apart from that
// directory's own mode: the mount is nosuid and open to containers, while the data directory has to stay closed, since
// a set-user-ID program that a container puts there would work for users of the host. Without the attribute the root
// shows the directory's own mode. Nobody reaches the attribute through the mount, which has none. xattr(7).
import { libcFunction } from '../system/libc.ts';

const name = Buffer.from('user.hoody-sqlite.mode\0');
/**
 * What the mount alone decides. Set-id bits of the directory itself have to be on the data directory, which hands them
 * down.
 */
export const keptBits = 0o1777;

const getxattr = libcFunction<[Buffer, Buffer, Buffer, number]>(
  'int64_t getxattr(void *path, void *name, void *value, size_t size)',
);
const setxattr = libcFunction<[Buffer, Buffer, Buffer, number, number]>(
  'int setxattr(void *path, void *name, void *value, size_t size, int flags)',
);
const value = Buffer.alloc(8);

/** `directory` ends with a zero byte. undefined: the mode is the directory's own. */
export function readRootMode(directory: Buffer): number | undefined {
  const size = getxattr(directory, name, value, value.length);
  const text = size > 0 ? value.toString('latin1', 0, size) : '';
  return /^[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) & keptBits : undefined;
}

/** False where the file system has no such attributes. */
export function writeRootMode(directory: Buffer, mode: number): boolean {
  const text = Buffer.from((mode & keptBits).toString(8));
  return setxattr(directory, name, text, text.length, 0) === 0;
}
