// Records each commit of a database in WAL mode where the archive process finds it: which frames of which write-ahead
// log, who, when. Keeps a descriptor of every such log until it has been read, since the last close deletes the file,
// and keeps programs from beginning a log anew that has not been read. Facts about the index from wal.c.

import type { DatabaseFiles, EndedWrite, ProcessIdentity } from '../locks/types.ts';
import type { NodePaths } from '../nodes/node-paths.ts';
import type { Node, NodeTable } from '../nodes/nodes.ts';
import type { NodeId } from '../protocol/requests.ts';
import { isSameLog, parseWalIndex, type WalIndex, walIndexBytes } from '../sqlite/wal-index.ts';
import type { ArchiveMemory } from '../state/archive-memory.ts';
import type { MainStamp } from '../state/commit-slots.ts';
import type { FileKey } from '../state/position-slots.ts';
import { emptyPath, O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, openat, pread } from '../system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxOffset, statxSize } from '../system/stat.ts';
import { startTimeOf } from '../system/threads.ts';
import { isNextState, isSameState } from './commit-chain.ts';
import { LeftLogs, type RecordedLog } from './left-logs.ts';
import { isGone, stampOf } from './main-stamp.ts';
import { nameProcess } from './processes.ts';

/** A larger log is begun anew even if nobody has read it: it must not fill the disk. */
const longestUnreadBytes = 256 << 20;
const mostWriters = 1024;
/** Of an index: both copies of its header. */
const headersBytes = 96;

interface Known extends FileKey {
  /** When WRITE was granted; undefined: it was granted to a process before this one. */
  before: WalIndex | undefined;
  log: RecordedLog | undefined;
  /** The index right behind the last commit; undefined: somebody may have committed since then, unseen. */
  last: WalIndex | undefined;
  /** The index as `last` was read from it. */
  readonly lastBytes: Buffer;
  /** The main file when WRITE was granted, if nothing is known of the last commit. */
  main: MainStamp | undefined;
  /** Whoever has EXCLUSIVE closes the database as the last one. */
  isClosing: boolean;
}

interface Commit {
  readonly known: Known;
  readonly main: number;
  readonly shm: number;
  /** The index when WRITE was granted, and now. */
  readonly before: WalIndex | undefined;
  readonly after: WalIndex;
  readonly isNext: boolean;
  readonly writer: ProcessIdentity;
  readonly nowMs: number;
}

export interface CommitRecordsParts {
  readonly memory: ArchiveMemory;
  readonly nodes: NodeTable;
  readonly paths: NodePaths;
  readonly dataDir: string;
  /** The path of a file that lies in RAM. */
  readonly ramFileOf?: (node: Node) => string | undefined;
  /** The data descriptor of a file that is open on the mount; -1 for none. */
  readonly descriptorOf: (file: number) => number;
  /** Programs and this process see one index: the kernel passes files through. */
  readonly isPassedThrough: () => boolean;
}

export class CommitRecords {
  readonly #parts: CommitRecordsParts;
  readonly #known = new Map<number, Known>();
  readonly #writers = new Map<string, number>();
  #unnamed: { readonly number: number; readonly identity: ProcessIdentity }[] = [];
  readonly #left: LeftLogs;
  readonly #bytes = Buffer.alloc(walIndexBytes);
  readonly #stat = Buffer.alloc(statxSize);

  constructor(parts: CommitRecordsParts) {
    this.#parts = parts;
    this.#left = new LeftLogs(parts.memory.positions);
  }

  get #isActive(): boolean {
    return this.#parts.memory.isActive && this.#parts.isPassedThrough();
  }

  /** WRITE was granted: what the log holds now is not the work of who has it. */
  began({ main, shm }: DatabaseFiles): void {
    if (!this.#isActive || main === undefined || shm === undefined) return;
    const known = this.#knownOf(main);
    if (known === undefined) return;
    known.before = this.#indexBefore(known, shm);
    known.main = known.last === undefined ? stampOf(this.#parts.descriptorOf(main)) : undefined;
  }

  /** WRITE was given back. Nobody else can have it before this returns. */
  ended({ files: { main, shm }, inWal, writer, nowMs }: EndedWrite): void {
    if (!inWal || !this.#isActive || main === undefined || shm === undefined) return;
    const known = this.#knownOf(main);
    const after = this.#index(shm);
    if (known === undefined) return;
    const { before, last } = known;
    known.before = undefined;
    const isNext = last !== undefined && after !== undefined && isNextState(last, before, after);
    known.last = isNext ? after : undefined;
    this.#bytes.copy(known.lastBytes, 0, 0, headersBytes);
    if (after === undefined || after.lastFrame === 0) return;
    if (before !== undefined && isSameLog(before, after) && before.lastFrame === after.lastFrame) return;
    known.last = after;
    this.#append({ known, main, shm, before, after, isNext, writer, nowMs });
  }

  /** EXCLUSIVE was granted. A program that has no index in common with others commits unseen. */
  exclusiveBegan({ main, shm }: DatabaseFiles): void {
    const known = main === undefined ? undefined : this.#known.get(main);
    if (known?.last === undefined) return;
    const index = shm === undefined ? undefined : this.#index(shm);
    known.isClosing = index !== undefined && isSameState(known.last, index);
    if (!known.isClosing) known.last = undefined;
  }

  /** EXCLUSIVE was given back. The last close brings the log into the main file, and deletes it. */
  exclusiveEnded({ main }: DatabaseFiles): void {
    const known = main === undefined ? undefined : this.#known.get(main);
    if (main === undefined || !known?.isClosing) return;
    known.isClosing = false;
    known.last = undefined;
    const { log } = known;
    const stamp = stampOf(this.#parts.descriptorOf(main));
    if (!this.#isActive || log === undefined || stamp === undefined || !isGone(log.fd)) return;
    const { inode, deviceMajor, deviceMinor } = known;
    const { salt1, salt2, lastFrame, fd: walFd } = log;
    this.#parts.memory.commits.append({
      timeMs: this.#nextTimeMs,
      inode,
      deviceMajor,
      deviceMinor,
      salt1,
      salt2,
      lastFrame,
      checksum1: 0,
      checksum2: 0,
      databasePages: 0,
      pid: 0,
      writer: 0,
      fsPid: process.pid,
      walFd,
      shmFd: -1,
      isNext: true,
      isClosing: true,
      main: stamp,
    });
  }

  #append({ known, main, shm, before, after, isNext, writer, nowMs }: Commit): void {
    const log = this.#logOf(main, known, after, nowMs);
    const { lastFrame, checksum1, checksum2, databasePages } = after;
    log.lastFrame = lastFrame;
    const { inode, deviceMajor, deviceMinor } = known;
    const isSeen = before !== undefined;
    // Every field by itself: this is done for each commit, and a spread takes a multiple of the time.
    this.#parts.memory.commits.append({
      timeMs: this.#nextTimeMs,
      inode,
      deviceMajor,
      deviceMinor,
      salt1: log.salt1,
      salt2: log.salt2,
      lastFrame,
      checksum1,
      checksum2,
      databasePages,
      pid: isSeen ? writer.pid : 0,
      writer: isSeen ? this.writerOf(writer) : 0,
      fsPid: process.pid,
      walFd: log.fd,
      shmFd: this.#parts.descriptorOf(shm),
      isNext,
      isClosing: false,
      main: known.main,
    });
  }

  get #nextTimeMs(): number {
    return Math.max(Date.now(), this.#parts.memory.commits.newestTimeMs + 0.001);
  }

  /** Length of the log while it may not be begun anew; 0: everything in it was read, or nobody reads it. */
  unreadBytes({ main, shm }: DatabaseFiles): number {
    if (!this.#isActive || main === undefined || shm === undefined || !this.#parts.memory.isHeeded) return 0;
    const known = this.#knownOf(main);
    const index = this.#index(shm);
    if (known === undefined || index === undefined) return 0;
    const bytes = index.lastFrame * index.pageBytes;
    if (bytes > longestUnreadBytes) return 0;
    const position = this.#parts.memory.positions.find(known);
    const isRead = position !== undefined && isSameLog(position, index) && position.frames >= index.lastFrame;
    return isRead || position?.isArchived === false ? 0 : bytes;
  }

  /** To be called between two requests, soon after a commit: a process is there as long as it has the file open. */
  nameNew(): void {
    if (this.#unnamed.length === 0) return;
    for (const { number, identity } of this.#unnamed) {
      const name = nameProcess(identity.pid, this.#parts.isPassedThrough());
      const isStill = identity.pid !== 0 && identity.key === `${identity.pid} ${startTimeOf(identity.pid)}`;
      this.#parts.memory.writers.name(number, isStill ? { pid: identity.pid, ...name } : undefined);
    }
    this.#unnamed = [];
  }

  /** When the logs that nobody has open are to be looked at again; Infinity: there are none. */
  get leftDueMs(): number {
    return this.#left.dueMs;
  }

  /** To be called once `leftDueMs` has come: a deleted log takes its room on the disk until it is closed here. */
  dropLeft(nowMs: number): void {
    this.#left.drop(nowMs);
  }

  /** Nobody has the file open any more. */
  forgotten(file: number, nowMs: number): void {
    const known = this.#known.get(file);
    this.#known.delete(file);
    if (known?.log) this.#left.add(known, known.log, nowMs);
    this.#left.drop(nowMs);
  }

  #knownOf(main: number): Known | undefined {
    const known = this.#known.get(main);
    if (known) return known;
    const node = this.#parts.nodes.get(main as NodeId);
    if (!node || !statAt(node.fd, emptyPath, AT_EMPTY_PATH, this.#stat)) return undefined;
    const made: Known = {
      inode: Number(this.#stat.readBigUInt64LE(statxOffset.ino)),
      deviceMajor: this.#stat.readUInt32LE(statxOffset.devMajor),
      deviceMinor: this.#stat.readUInt32LE(statxOffset.devMinor),
      before: undefined,
      log: undefined,
      last: undefined,
      lastBytes: Buffer.alloc(headersBytes),
      main: undefined,
      isClosing: false,
    };
    this.#known.set(main, made);
    return made;
  }

  #index(shm: number): WalIndex | undefined {
    return this.#readIndex(shm) ? parseWalIndex(this.#bytes) : undefined;
  }

  /** Mostly nobody has committed since this process looked at it last. */
  #indexBefore({ last, lastBytes }: Known, shm: number): WalIndex | undefined {
    if (!this.#readIndex(shm)) return undefined;
    const isSame = last !== undefined && lastBytes.compare(this.#bytes, 0, headersBytes) === 0;
    return isSame ? last : parseWalIndex(this.#bytes);
  }

  #readIndex(shm: number): boolean {
    const fd = this.#parts.descriptorOf(shm);
    return fd >= 0 && pread(fd, this.#bytes, walIndexBytes, 0) >= walIndexBytes;
  }

  #logOf(main: number, known: Known, index: WalIndex, nowMs: number): RecordedLog {
    if (known.log && isSameLog(known.log, index)) return known.log;
    if (known.log) this.#left.add(known, known.log, nowMs);
    this.#left.drop(nowMs);
    known.log = { salt1: index.salt1, salt2: index.salt2, lastFrame: index.lastFrame, fd: this.#openLog(main) };
    return known.log;
  }

  /** -1 where there is none by that name. */
  #openLog(main: number): number {
    const node = this.#parts.nodes.get(main as NodeId);
    const inRam = node && this.#parts.ramFileOf?.(node);
    const path = node && this.#parts.paths.of(node);
    if (path === undefined) return -1;
    const name = Buffer.from(`${inRam ?? `${this.#parts.dataDir}/${path}`}-wal\0`);
    return openat(AT_FDCWD, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
  }

  /** The number of a process in the ring of writers. */
  writerOf(identity: ProcessIdentity): number {
    const known = this.#writers.get(identity.key);
    if (known !== undefined) return known;
    if (this.#writers.size >= mostWriters) this.#writers.clear();
    const number = this.#parts.memory.writers.next();
    this.#writers.set(identity.key, number);
    this.#unnamed.push({ number, identity });
    return number;
  }
}
