// inotify(7) without Node's fs.watch: the mask can be chosen (fs.watch would report every write of every client),
// directories are named by descriptor, and events are read when it suits the caller.
import { read } from './files.ts';
import { lastErrno, libcFunction } from './libc.ts';

const inotify_init1 = libcFunction<[number]>('int inotify_init1(int flags)');
const inotify_add_watch = libcFunction<[number, Buffer, number]>(
  'int inotify_add_watch(int fd, void *path, unsigned int mask)',
);
const inotify_rm_watch = libcFunction<[number, number]>('int inotify_rm_watch(int fd, int watch)');

const IN_CLOEXEC = 0o2000000;
const IN_NONBLOCK = 0o4000;
const IN_CLOSE_WRITE = 0x8;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_ONLYDIR = 0x01000000;
const IN_EXCL_UNLINK = 0x04000000;
const mask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_EXCL_UNLINK;

// struct inotify_event: wd, mask, cookie, len (4 bytes each), name padded with zeros to len.
const headerBytes = 16;
/** Room for some 300 events, which take about a millisecond to look at. */
const bufferBytes = 12 << 10;
/** More than the longest event takes: a read that left less room may have left events behind. */
const longestEventBytes = 16 + 256;

export interface DirectoryEvent {
  readonly watch: number;
  /** As latin1, which keeps every byte. */
  readonly name: string;
  /** True: the file was written and closed. False: the name was made, removed or moved. */
  readonly isContent: boolean;
}

export class Inotify {
  /** -1 with errno when it is not to be had: a user has 128 of them by default, in all containers together. */
  readonly fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);

  /**
   * `path` ends with a zero byte. Returns the watch's number, or a negative errno: ENOSPC when the user's watches are
   * used up.
   */
  add(path: Buffer): number {
    const watch = inotify_add_watch(this.fd, path, mask);
    return watch < 0 ? -lastErrno() : watch;
  }

  remove(watch: number): void {
    inotify_rm_watch(this.fd, watch);
  }

  /** The oldest events, some hundreds at most; `isAll`: there are no others. Watch -1 says that some were lost. */
  read(): { readonly events: readonly DirectoryEvent[]; readonly isAll: boolean } {
    const events: DirectoryEvent[] = [];
    const size = Math.max(read(this.fd, this.#buffer, bufferBytes), 0);
    for (let at = 0; at < size; ) {
      const length = this.#buffer.readUInt32LE(at + 12);
      const name = this.#buffer.toString('latin1', at + headerBytes, at + headerBytes + length);
      events.push({
        watch: this.#buffer.readInt32LE(at),
        name: name.slice(0, name.indexOf('\0')),
        isContent: (this.#buffer.readUInt32LE(at + 4) & IN_CLOSE_WRITE) !== 0,
      });
      at += headerBytes + length;
    }
    return { events, isAll: size < bufferBytes - longestEventBytes };
  }
}
