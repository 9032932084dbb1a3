// Backing ids: hands a file to the kernel so that reads, writes and mappings go straight to the backing file. All opens
// of one inode must share one id, and an inode is either passed through or cached for as long as anyone has it open.
import { constants } from 'node:fs';
import { errnoName, FsError } from '../errors.ts';
import type { Log } from '../log.ts';
import { EBADF } from '../protocol/results.ts';
import {
  close,
  ioctl,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  openAgain,
  openat,
  pathOfDescriptor,
} from '../system/files.ts';
import { lastErrno } from '../system/libc.ts';
import { AT_FDCWD } from '../system/stat.ts';
import type { Node } from './nodes.ts';

const FUSE_DEV_IOC_BACKING_OPEN = 0x4010e501;
const FUSE_DEV_IOC_BACKING_CLOSE = 0x4004e502;
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Deep enough for a data directory on overlayfs, as a container's root is. */
export const maxStackDepth = 2;

export class Passthrough {
  readonly #device: number;
  readonly #log: Log;
  readonly #map = Buffer.alloc(16);
  #reason: string | undefined = 'not negotiated with the kernel yet';
  #takesPathDescriptor = true;
  #backingFiles = 0;

  constructor(device: number, log: Log) {
    this.#device = device;
    this.#log = log;
  }

  get isActive(): boolean {
    return this.#reason === undefined;
  }

  get state(): { readonly active: boolean; readonly reason?: string } {
    return { active: this.isActive, ...(this.#reason === undefined ? {} : { reason: this.#reason }) };
  }

  /** Of a file; otherwise it has to be an open one: see fence/registration.ts. */
  get takesPathDescriptor(): boolean {
    return this.#takesPathDescriptor;
  }

  get backingFiles(): number {
    return this.#backingFiles;
  }

  /** After INIT: tries it on a nameless file of the data directory. Throws where it is demanded and impossible. */
  start(wanted: 'auto' | 'on' | 'off', isNegotiated: boolean, dataDir: string): void {
    this.#reason =
      wanted === 'off'
        ? 'switched off by --passthrough off'
        : isNegotiated
          ? this.#probe(dataDir)
          : 'the kernel does not offer it (6.9 or later does)';
    if (wanted === 'on' && this.#reason !== undefined)
      throw new FsError('no-passthrough', `passthrough is impossible here: ${this.#reason}`, {
        hint: 'use --passthrough auto',
      });
  }

  /** The node's backing id for one more open, 0 if it has to be served without. The caller counts the opens. */
  acquire(node: Node): number {
    if (node.opens > node.directOpens || this.#reason !== undefined) return node.backingId;
    const result = this.#register(node);
    if (result > 0) {
      node.backingId = result;
      this.#backingFiles += 1;
    } else {
      this.#log('warn', 'passthrough-refused', { inode: node.key, error: errnoName(-result) });
    }
    return node.backingId;
  }

  /** A node with a backing id came from the process before this one. */
  adopt(): void {
    this.#backingFiles += 1;
  }

  /** After the last close of a node. */
  release(node: Node): void {
    if (node.backingId === 0) return;
    this.#closeId(node.backingId);
    node.backingId = 0;
    this.#backingFiles -= 1;
  }

  #register(node: Node): number {
    if (this.#takesPathDescriptor) {
      const result = this.#openId(node.fd);
      if (result !== -EBADF) return result;
      this.#takesPathDescriptor = false;
    }
    const fd = openAgain(node.fd, O_RDONLY);
    if (fd < 0) return -lastErrno();
    const result = this.#openId(fd);
    close(fd);
    return result;
  }

  #probe(dataDir: string): string | undefined {
    const fd = openat(AT_FDCWD, Buffer.from(`${dataDir}\0`), O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600);
    if (fd < 0) return undefined; // no O_TMPFILE there, or read-only: the first file that is opened will tell
    const result = this.#openId(fd);
    this.#probePathDescriptor(fd);
    close(fd);
    if (result < 0) return `the kernel refuses the data directory's file system (${errnoName(-result)})`;
    this.#closeId(result);
    return undefined;
  }

  #probePathDescriptor(fd: number): void {
    const pathFd = openat(AT_FDCWD, pathOfDescriptor(fd), O_PATH | O_CLOEXEC, 0);
    if (pathFd < 0) return;
    const result = this.#openId(pathFd);
    close(pathFd);
    this.#takesPathDescriptor = result !== -EBADF;
    if (result > 0) this.#closeId(result);
  }

  // struct fuse_backing_map: i32 fd, u32 flags, u64 padding.
  #openId(fd: number): number {
    this.#map.fill(0);
    this.#map.writeInt32LE(fd);
    const id = ioctl(this.#device, FUSE_DEV_IOC_BACKING_OPEN, this.#map);
    return id > 0 ? id : -lastErrno();
  }

  #closeId(id: number): void {
    this.#map.writeInt32LE(id);
    ioctl(this.#device, FUSE_DEV_IOC_BACKING_CLOSE, this.#map);
  }
}
