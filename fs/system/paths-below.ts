// Paths below a directory whose descriptor one has: of any length and any bytes, and never out of it by way of a link.
import { close, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_PATH, openat } from './files.ts';
import { lastErrno } from './libc.ts';

/**
 * A descriptor, or a negative errno. `path` is latin1, which keeps every byte. The last component is not followed
 * either.
 */
export function openBelow(root: number, path: string, flags: number): number {
  const names = path.split('/');
  const last = names.pop() ?? '';
  let directory = root;
  for (const name of names) directory = openIn(directory, name, O_PATH | O_DIRECTORY, root);
  return openIn(directory, last, flags | O_NONBLOCK, root);
}

/** Closes `directory` unless it is the root; passes an error on. */
function openIn(directory: number, name: string, flags: number, root: number): number {
  if (directory < 0) return directory;
  const fd = openat(directory, Buffer.from(`${name}\0`, 'latin1'), flags | O_NOFOLLOW | O_CLOEXEC, 0);
  const result = fd < 0 ? -lastErrno() : fd;
  if (directory !== root) close(directory);
  return result;
}
