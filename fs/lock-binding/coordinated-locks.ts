// Brings the lock manager, which is pure, together with the world: requests of the session, the clock, the backing
// files, /proc. It answers the session's lock operations and remembers whom an answer is owed.
import { constants } from 'node:os';
import type { LockService } from '../channel/lock-service.ts';
import { HIDDEN } from '../locks/database.ts';
import type { LockLimits } from '../locks/limits.ts';
import { LongHolders } from '../locks/long-holders.ts';
import { LockManager } from '../locks/manager.ts';
import type { DatabaseLocks } from '../locks/snapshot.ts';
import type { FileDescription, LockAnswer, LockRequest, LockWorld } from '../locks/types.ts';
import type { Log } from '../log.ts';
import type { FileHandle } from '../nodes/handles.ts';
import { NodePaths } from '../nodes/node-paths.ts';
import type { Node, NodeTable } from '../nodes/nodes.ts';
import type { RamFiles } from '../nodes/ram-files.ts';
import { encodeLock } from '../protocol/encode.ts';
import { END_OF_FILE, firstByteOf, lastByteOf } from '../protocol/lock-offsets.ts';
import type { NodeId, Owed, RequestOf, Unique } from '../protocol/requests.ts';
import { ANSWERED, ESTALE, SILENT } from '../protocol/results.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { HEADER_BYTES_NEEDED, type JournalMode, journalModeOf } from '../sqlite/header.ts';
import { type LockType, rangeOfLocks } from '../sqlite/lock-bytes.ts';
import type { KeptState } from '../state/kept-state.ts';
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../system/file-locks.ts';
import { O_RDONLY, pread } from '../system/files.ts';
import { CommitNotices, type WrittenDatabase } from './commit-notices.ts';
import { CommitRecords } from './commit-records.ts';
import { CopiedLogs } from './copied-logs.ts';
import { Mirror } from './mirror.ts';
import { isRunning, Processes } from './processes.ts';
import { WriteCapture } from './write-capture.ts';
import { type WriterRecord, Writers } from './writers.ts';

const { EAGAIN, EDEADLK, EINTR, ENOLCK } = constants.errno;
const errnoOf: Readonly<Record<LockAnswer, number>> = {
  granted: 0,
  refused: -EAGAIN,
  deadlock: -EDEADLK,
  interrupted: -EINTR,
  'no-room': -ENOLCK,
};
/** How many requests that are ready are served before a limit is acted upon. */
const mostRequestsFirst = 64;

export interface CoordinatedLocksParts {
  readonly nodes: NodeTable;
  readonly dataDir: string;
  /** Absent: no file is in RAM. */
  readonly ram?: RamFiles;
  readonly log: Log;
  readonly keptState: KeptState;
  /** Sends the answer to a request that had to wait: 0 or a negative errno. */
  readonly answer: (asked: Owed, result: number) => void;
  /** These databases were written since the last call, each with who wrote. Called 20 times a second at most. */
  readonly committed: (databases: readonly WrittenDatabase[]) => void;
  /** Somebody waits until the write-ahead log of this database was archived. */
  readonly unread: (database: string) => void;
  /** Clients reach their files' data without us. Default: they do. */
  readonly isPassedThrough?: () => boolean;
  readonly limits?: Partial<LockLimits>;
  /** Whether what programs write to the database with this path is captured, where it has a rollback journal. */
  readonly isCaptured?: (path: string) => boolean;
}

export class CoordinatedLocks implements LockService {
  readonly manager: LockManager;
  readonly mirror: Mirror;
  readonly capture: WriteCapture | undefined;
  readonly #parts: CoordinatedLocksParts;
  readonly #longHolders: LongHolders;
  readonly #processes = new Processes();
  readonly #owed = new Map<number, Owed>();
  readonly #header = Buffer.alloc(HEADER_BYTES_NEEDED);
  readonly #paths: NodePaths;
  readonly #notices: CommitNotices;
  readonly #writers: Writers;
  readonly #records: CommitRecords;
  readonly #copied: CopiedLogs;
  /**
   * Files that are not passed through, with the range of SQLite's locks. What clients see of them is the kernel's copy,
   * of which programs on the data directory know nothing and the other way round: these are kept out while the file is
   * open here.
   */
  readonly #unshared = new Map<number, { readonly start: number; readonly end: number }>();
  /** Answers the unlock that is being served. */
  #answerFreed: (() => void) | undefined;
  #servedWhileDue = 0;
  #hasToldHidden = false;

  constructor(parts: CoordinatedLocksParts) {
    this.#parts = parts;
    this.#writers = new Writers(performance.now(), parts.isPassedThrough);
    this.#paths = new NodePaths(parts.dataDir, parts.nodes, (node) => parts.ram?.pathOf(node));
    this.#notices = new CommitNotices(parts.committed);
    this.#copied = new CopiedLogs(parts.nodes, parts.ram, (file) => this.mirror.descriptorOf(file));
    this.mirror = new Mirror((file) => parts.nodes.get(file as NodeId)?.fd, parts.keptState.descriptors, parts.log);
    this.#records = new CommitRecords({
      memory: parts.keptState.archive,
      nodes: parts.nodes,
      paths: this.#paths,
      dataDir: parts.dataDir,
      ramFileOf: (node) => parts.ram?.filePathOf(node),
      descriptorOf: (file) => this.mirror.descriptorOf(file),
      isPassedThrough: parts.isPassedThrough ?? (() => true),
    });
    const { nodes, dataDir, keptState, isCaptured } = parts;
    this.capture =
      isCaptured &&
      new WriteCapture({
        ring: keptState.archive.capture,
        nodes,
        paths: this.#paths,
        dataDir,
        isWanted: isCaptured,
        isActive: () => keptState.archive.isActive,
        descriptorOf: (file) => this.mirror.descriptorOf(file),
        newestCommit: () => keptState.archive.commits.newest,
        writerOf: (identity) => this.#records.writerOf(identity),
      });
    const world: LockWorld = {
      describeFile: (file) => this.#describe(file),
      readJournalMode: (file) => this.#readJournalMode(file),
      identify: (tid) => this.#processes.identify(tid),
      isRunning,
      freed: () => this.#freed(),
      mirror: (file, start, end, type) => this.#mirrorLock(file, start, end, type),
      walWriteBegan: (files) => this.#records.began(files),
      exclusiveBegan: (files) => this.#records.exclusiveBegan(files),
      exclusiveEnded: (files) => this.#records.exclusiveEnded(files),
      mainWriteEnded: ({ main }, writer, isClosed) => this.capture?.ended(main, writer, isClosed),
      committed: (write) => {
        this.#records.ended(write);
        if (!write.inWal) this.#copied.wrote(write.files);
        this.#writers.note(write.database, write.writer, write.sinceMs, write.nowMs);
        this.#notices.note(write.database, write.writer.pid, write.nowMs);
      },
      // The archive process reads the durable copy of a database in RAM.
      unreadWalBytes: (files) => this.#copied.uncopiedBytes(files) ?? this.#records.unreadBytes(files),
      readWalNow: (database) => parts.unread(database),
      forgotten: (file) => this.#forget(file),
      storeOf: (file, isFlock) => parts.keptState.locks.storeOf(file, isFlock),
    };
    this.manager = new LockManager(world, parts.limits);
    this.#longHolders = new LongHolders(this.manager.limits.longHolderMs);
  }

  /**
   * In a successor process: `files` are open, and `mirrors` are the descriptors that have kept the locks of the mirror.
   */
  restore(files: Iterable<FileHandle>, mirrors: ReadonlyMap<number, number>): void {
    const { keptState, log } = this.#parts;
    const open = new Set<number>();
    for (const [file, fd] of mirrors) this.mirror.adopt(file, fd);
    for (const handle of files) {
      open.add(handle.id);
      this.opened(handle);
    }
    const nowMs = performance.now();
    const damaged = (slot: number) => log('error', 'state-slot-damaged', { slot, of: 'locks' });
    const written = new Set<number>();
    for (const { file, isFlock, ...held } of keptState.locks.stored(damaged)) {
      // A lock ends with the handle through which it was asked for, at the latest: see Session.#giveBack.
      if (open.has(held.handle)) {
        this.manager.restore(file, isFlock, held, nowMs);
        if (held.ranges.some(({ type }) => type === 'write')) written.add(file);
      } else keptState.locks.storeOf(file, isFlock).remove(held);
    }
    for (const file of mirrors.keys()) this.manager.freeUnheld(file);
    this.capture?.resume((file) => written.has(file));
  }

  get pending(): number {
    return this.#owed.size;
  }

  opened(handle: FileHandle): void {
    this.manager.open(handle.node.id, handle.id, handle.pid, handle.access === O_RDONLY);
  }

  test(_node: Node, asked: RequestOf<'GETLK'>, out: Buffer): number {
    const request = requestOf(asked, false);
    const held = this.manager.getLock(request);
    if (held) {
      const type = held.type === 'write' ? F_WRLCK : F_RDLCK;
      return encodeLock(out, { start: firstByteOf(held.start), end: lastByteOf(held.end), type, pid: held.pid });
    }
    const foreign =
      request.type === 'unlock' || request.flock
        ? undefined
        : this.mirror.test(request.file, request.start, request.end, request.type);
    if (!foreign) {
      return encodeLock(out, { start: firstByteOf(asked.start), end: lastByteOf(asked.end), type: F_UNLCK, pid: 0 });
    }
    const { start, length, type, pid } = foreign;
    const end = length === 0n ? lastByteOf(END_OF_FILE) : start + length - 1n;
    return encodeLock(out, { start, end, type, pid: Math.max(pid, 0) });
  }

  set(node: Node, asked: RequestOf<'SETLK' | 'SETLKW'>, answerFreed?: () => void): number {
    if (node.opens === 0) return -ESTALE;
    if (asked.type === F_UNLCK) return this.#unlock(asked, answerFreed);
    if (asked.lockPid === HIDDEN) this.#tellHidden(node);
    const answer = this.manager.setLock(requestOf(asked, asked.op === 'SETLKW'), performance.now());
    if (answer === 'waiting') this.#owed.set(asked.unique, { unique: asked.unique, isResent: asked.isResent });
    this.#answerCompleted();
    return answer === 'waiting' ? SILENT : errnoOf[answer];
  }

  /**
   * Answered as soon as it is stored: the client runs while the mirror and those who wait are looked after. Nobody on
   * the mount sees a difference, since the next request is served after that. A program on the data directory may still
   * find the mirror's lock for a moment.
   */
  #unlock(asked: RequestOf<'SETLK' | 'SETLKW'>, answerFreed: (() => void) | undefined): number {
    this.#answerFreed = answerFreed;
    const answer = this.manager.setLock(requestOf(asked, false), performance.now());
    const isAnswered = this.#answerFreed !== answerFreed;
    this.#answerFreed = undefined;
    this.#answerCompleted();
    return isAnswered ? ANSWERED : errnoOf[answer as LockAnswer];
  }

  #freed(): void {
    const answer = this.#answerFreed;
    this.#answerFreed = undefined;
    answer?.();
  }

  flushed(node: Node, asked: RequestOf<'FLUSH'>): void {
    this.manager.flush(node.id, asked.fh, asked.lockOwner, performance.now());
    this.#answerCompleted();
  }

  released(handle: FileHandle): void {
    this.manager.release(handle.node.id, handle.id, performance.now());
    this.#answerCompleted();
  }

  interrupt(target: Unique): void {
    this.manager.interrupt(target, performance.now());
    this.#answerCompleted();
  }

  get #isQuiet(): boolean {
    return this.#owed.size === 0 && this.#upkeepDueMs === Number.POSITIVE_INFINITY;
  }

  get #upkeepDueMs(): number {
    const untoldDueMs = this.capture?.untoldDueMs ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#notices.dueMs, this.#records.leftDueMs, untoldDueMs);
  }

  nextDueMs(): number {
    if (this.#isQuiet) return -1;
    const nowMs = performance.now();
    const dueMs = Math.min(this.manager.nextDeadlineMs(nowMs), this.#upkeepDueMs);
    return dueMs === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(dueMs - nowMs));
  }

  runDue(isIdle: boolean): boolean {
    if (this.#isQuiet) return false;
    this.#writers.nameNew();
    this.#records.nameNew();
    const nowMs = performance.now();
    if (nowMs >= this.#records.leftDueMs) this.#records.dropLeft(nowMs);
    if (this.capture !== undefined && nowMs >= this.capture.untoldDueMs) this.capture.tellUntold(nowMs);
    // What the kernel has ready comes first: it may be the very unlock, or write attempt, that a limit is about.
    const isDue = this.#owed.size > 0 && nowMs >= this.manager.nextDeadlineMs(nowMs);
    if (isDue && (isIdle || ++this.#servedWhileDue >= mostRequestsFirst)) {
      this.#servedWhileDue = 0;
      this.manager.expire(nowMs);
      this.#answerCompleted();
    }
    return this.#notices.runDue(nowMs) || isDue;
  }

  /** Of each database in turn; undefined where nobody holds or waits. Others may be served in between. */
  views(): Iterable<DatabaseLocks | undefined> {
    return this.manager.views(performance.now());
  }

  /** The same, of those with holders that have become long since the last call. */
  longHolders(): Iterable<DatabaseLocks | undefined> {
    return this.#longHolders.newOf(this.manager.viewsWithOld(this.manager.limits.longHolderMs, performance.now()));
  }

  writersOf(database: string): WriterRecord {
    const toMonotonicMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
    return this.#writers.of(database, this.manager.writerOf(database), toMonotonicMs);
  }

  /** Once: the kernel gives 0 for a process that has no number in the pid namespace of the mount. */
  #tellHidden(node: Node): void {
    if (this.#hasToldHidden) return;
    this.#hasToldHidden = true;
    const effect = 'its locks queue like all others; who it is cannot be said, nor whether its threads are running';
    const hint = 'run the daemon in the pid namespace of the host: podman or docker run --pid host, hostPID: true';
    this.#parts.log('warn', 'client-hidden', { file: this.#describe(node.id).name, effect, hint });
  }

  #answerCompleted(): void {
    for (const { unique, answer } of this.manager.takeCompletions()) {
      const asked = this.#owed.get(unique);
      if (!asked) continue;
      this.#owed.delete(unique);
      this.#parts.answer(asked, errnoOf[answer]);
    }
  }

  #mirrorLock(file: number, start: number, end: number, type: LockType | 'unlock'): boolean {
    const all = this.#unshared.get(file);
    if (!all || end < all.start || start > all.end) return this.mirror.set(file, start, end, type);
    return type === 'unlock' || this.mirror.set(file, all.start, all.end, 'write');
  }

  #forget(file: number): void {
    this.#unshared.delete(file);
    this.#records.forgotten(file, performance.now());
    this.#copied.forget(file);
    this.mirror.drop(file);
  }

  /** By the name that the file has now, which is also what SQLite went by when it was opened. */
  #describe(file: number): FileDescription {
    const node = this.#parts.nodes.get(file as NodeId);
    const path = node ? this.#paths.of(node) : undefined;
    if (path === undefined) return { kind: 'other', database: `inode ${file}`, name: `inode ${file}` };
    const { kind, database } = sqliteFileOf(path);
    const range = node?.backingId === 0 ? rangeOfLocks(kind) : undefined;
    if (range) this.#unshared.set(file, range);
    return { kind: kind === 'journal' || kind === 'wal' ? 'other' : kind, database, name: database };
  }

  #readJournalMode(file: number): JournalMode {
    const fd = this.mirror.descriptorOf(file);
    const size = fd < 0 ? 0 : pread(fd, this.#header, this.#header.length, 0);
    return journalModeOf(this.#header.subarray(0, Math.max(size, 0)));
  }
}

function requestOf(asked: RequestOf<'GETLK' | 'SETLK' | 'SETLKW'>, wait: boolean): LockRequest {
  return {
    unique: asked.unique,
    file: asked.nodeId,
    handle: asked.fh,
    owner: asked.owner,
    start: asked.start,
    end: asked.end,
    type: asked.type === F_UNLCK ? 'unlock' : asked.type === F_WRLCK ? 'write' : 'read',
    pid: asked.lockPid,
    tid: asked.pid,
    wait,
    flock: asked.isFlock,
  };
}
