// Captures what programs write to databases with a rollback journal, for the archive process: the bytes of each write,
// in order, and where a transaction ends. It has ended when the writer gives its lock back and no journal is left that
// would take it back; whoever dies in the middle leaves such a journal, and the next program rolls back. Without a
// journal (journal_mode MEMORY or OFF) only the writer itself can end it. Facts from pager.c and os_unix.c.
import type { ProcessIdentity } from '../locks/types.ts';
import type { Capture } from '../nodes/capture.ts';
import type { NodePaths } from '../nodes/node-paths.ts';
import type { Node, NodeTable } from '../nodes/nodes.ts';
import type { FileOffset } from '../protocol/words.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { journalModeOf } from '../sqlite/header.ts';
import type { CaptureFacts, CaptureKind, CaptureRing } from '../state/capture-ring.ts';
import type { FileKey } from '../state/position-slots.ts';
import { emptyPath } from '../system/files.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';
import { DatabaseLook, isDatabase } from './database-look.ts';

/** A transaction that writes more is not captured: the archive compares the database instead. */
const longestWindowBytes = 24 << 20;
/** How often it is tried again to tell what had no room in the ring. */
const tellAgainMs = 200;
const versionByte = 18;
const rollbackVersion = 1;
const noData = Buffer.alloc(0);
const tooLarge = 'a transaction of a database with a rollback journal was too large to be captured';
const noRoom = 'the archive process did not keep up with what was written';
const diedWithoutJournal =
  'a program ended in the middle of a transaction without a journal (journal_mode MEMORY or OFF)';
const withoutLock = 'it was written by a program that does not lock it as SQLite does';
const nameless = 'it was written after it had lost its name';
const unknownBegin = 'a new database was not written from its beginning';

/** One captured file, from its first open to its last close. */
interface Captured {
  readonly node: Node;
  readonly file: FileKey;
  /** Below the data directory, when it was opened. */
  readonly path: Buffer;
  /** Something was written since the last end. */
  isOpen: boolean;
  bytes: number;
  /** When the first bytes were written, there was a journal that would take them back. */
  isJournaled: boolean;
  /** More than one program may have written. */
  isTorn: boolean;
  /** Why what was written is not all in the ring. */
  lost: string | undefined;
}

export interface WriteCaptureParts {
  readonly ring: CaptureRing;
  readonly nodes: NodeTable;
  readonly paths: NodePaths;
  readonly dataDir: string;
  /** Whether writes of the database with this path below the data directory are captured. */
  readonly isWanted: (path: string) => boolean;
  /** Commits are archived. Then files that are not captured are passed through. */
  readonly isActive: () => boolean;
  /** The data descriptor of a file that is open on the mount; -1 for none. */
  readonly descriptorOf: (file: number) => number;
  /** The number of the newest record of a commit in WAL mode. */
  readonly newestCommit: () => number;
  /** The number of a process in the ring of writers. */
  readonly writerOf: (identity: ProcessIdentity) => number;
}

export class WriteCapture implements Capture {
  readonly #parts: WriteCaptureParts;
  readonly #captured = new Map<number, Captured>();
  /** A transaction has ended, and that it was lost is not told. */
  readonly #untold = new Set<Captured>();
  #untoldSeenMs = 0;
  readonly #stat = Buffer.alloc(statxSize);
  readonly #look: DatabaseLook;

  constructor(parts: WriteCaptureParts) {
    this.#parts = parts;
    this.#look = new DatabaseLook(parts);
    parts.ring.begin();
  }

  claims(node: Node): boolean {
    if (this.#captured.has(node.id)) return true;
    if (node.opens > node.directOpens || !this.#parts.isActive() || !mayBeDatabase(node)) return false;
    const path = this.#parts.paths.of(node);
    if (path === undefined || sqliteFileOf(path).kind !== 'database' || !this.#parts.isWanted(path)) return false;
    if (!this.#look.isRollback(node)) return false;
    const captured = this.#capture(node, path);
    if (captured === undefined) return false;
    this.#append(captured, 'claim', captured.path);
    return true;
  }

  writing(node: Node, offset: FileOffset, data: Uint8Array): void {
    const captured = this.#captured.get(node.id);
    if (captured === undefined || !this.#isInWindow(captured, Number(offset), data) || captured.lost !== undefined)
      return;
    captured.bytes += data.length;
    if (captured.bytes > longestWindowBytes) captured.lost = tooLarge;
    else this.#append(captured, 'write', data, { bytes: Number(offset), isJournaled: captured.isJournaled });
  }

  resizing(node: Node, size: FileOffset): void {
    const captured = this.#captured.get(node.id);
    if (captured === undefined) return;
    if (size === 0 && !captured.isOpen && this.#look.readHeader(node).length === 0) return; // nothing is there
    if (!this.#isInWindow(captured, 0, noData) || captured.lost !== undefined) return;
    this.#append(captured, 'resize', noData, { bytes: Number(size), isJournaled: captured.isJournaled });
  }

  spoiled(node: Node, reason: string): void {
    const captured = this.#captured.get(node.id);
    if (captured === undefined) return;
    captured.isOpen = true;
    captured.lost ??= reason;
  }

  left(node: Node): void {
    const captured = this.#captured.get(node.id);
    if (captured === undefined) return;
    this.#captured.delete(node.id);
    this.#untold.delete(captured);
    if (captured.isOpen && !captured.isTorn) captured.lost ??= withoutLock;
    // Only behind a gap that has been told: the archive finds it when the file is opened again.
    if (captured.lost === undefined || this.#append(captured, 'gap', Buffer.from(captured.lost)))
      this.#append(captured, 'left', noData);
  }

  /** A write lock on the main file was given back: by the program, or since it has closed the file or has ended. */
  ended(main: number | undefined, writer: ProcessIdentity, isClosed: boolean): void {
    const captured = main === undefined ? undefined : this.#captured.get(main);
    if (!captured?.isOpen) return;
    if (captured.isJournaled && this.#hasJournal(captured)) {
      captured.isTorn = true; // until somebody has rolled it back
      return;
    }
    if (isClosed && !captured.isJournaled) captured.lost ??= diedWithoutJournal;
    this.#end(captured, { writer: captured.isTorn ? 0 : this.#parts.writerOf(writer) });
  }

  /**
   * In a successor process: what the process before it has captured is in the ring; what it knew of transactions that
   * have not ended is lost. `isBeingWritten`: somebody has a write lock on this file.
   */
  resume(isBeingWritten: (file: number) => boolean): void {
    const { ring, nodes } = this.#parts;
    for (const node of nodes.values()) {
      const isCached = node.opens > node.directOpens && node.backingId === 0 && !node.isDirectory;
      if (!isCached || !this.#parts.isActive()) continue;
      const path = this.#parts.paths.of(node) ?? '';
      if (sqliteFileOf(path).kind !== 'database') continue;
      const captured = path === '' || this.#parts.isWanted(path) ? this.#capture(node, path) : undefined;
      if (captured === undefined) continue;
      captured.isOpen = true;
      captured.isTorn = true;
      captured.isJournaled = this.#hasJournal(captured);
      if (ring.isLossy) captured.lost = noRoom;
      if (isBeingWritten(node.id) || captured.isJournaled) continue;
      this.#end(captured, { isUncertain: true });
    }
  }

  /** When tellUntold is to be called; Infinity: there is nothing to tell. */
  get untoldDueMs(): number {
    return this.#untold.size === 0 ? Number.POSITIVE_INFINITY : this.#untoldSeenMs + tellAgainMs;
  }

  /** Gaps that had no room in the ring: the archive process learns of them without a further transaction. */
  tellUntold(nowMs: number): void {
    this.#untoldSeenMs = nowMs;
    for (const captured of [...this.#untold]) this.#end(captured, { writer: 0 });
  }

  /** Whether the change is part of a transaction with a rollback journal, rather than of a checkpoint. */
  #isInWindow(captured: Captured, offset: number, data: Uint8Array): boolean {
    if (captured.isOpen) return true;
    const header = this.#look.readHeader(captured.node);
    const mode = journalModeOf(header);
    const isPageOne = offset === 0 && data.length > versionByte;
    // The way out of WAL mode is a transaction with a rollback journal: the checkpoint before it changes no version.
    if (mode === 'wal' && !(isPageOne && data[versionByte] === rollbackVersion)) return false;
    captured.isOpen = true;
    captured.isJournaled = this.#hasJournal(captured);
    if (!isDatabase(header) && !(isPageOne && isDatabase(data))) captured.lost = unknownBegin;
    return true;
  }

  /** What cannot be told for want of room is told by the next end. */
  #end(captured: Captured, facts: Pick<CaptureFacts, 'writer'> | Pick<CaptureFacts, 'isUncertain'>): void {
    const { lost } = captured;
    const isTold =
      lost === undefined
        ? this.#append(captured, 'end', captured.path, facts)
        : this.#append(captured, 'gap', Buffer.from(lost));
    if (!isTold) {
      this.#untold.add(captured);
      return;
    }
    this.#untold.delete(captured);
    captured.isOpen = false;
    captured.bytes = 0;
    captured.isJournaled = false;
    captured.isTorn = false;
    captured.lost = undefined;
    if (this.#parts.ring.isLossy) this.#parts.ring.isLossy = this.#isAnyLost;
  }

  get #isAnyLost(): boolean {
    for (const { lost } of this.#captured.values()) if (lost !== undefined) return true;
    return false;
  }

  /** False: there was no room, which is told later. */
  #append(captured: Captured, kind: CaptureKind, data: Uint8Array, facts: Partial<CaptureFacts> = {}): boolean {
    const { ring } = this.#parts;
    const isStamped =
      kind !== 'write' && kind !== 'resize' && statAt(captured.node.fd, emptyPath, AT_EMPTY_PATH, this.#stat);
    const isAppended = ring.append(
      {
        kind,
        inode: captured.file.inode,
        deviceMajor: captured.file.deviceMajor,
        deviceMinor: captured.file.deviceMinor,
        bytes: isStamped ? this.#stat.readUIntLE(statxOffset.size, 6) : 0,
        mtimeSeconds: isStamped ? this.#stat.readUIntLE(statxOffset.mtime, 6) : 0,
        mtimeNanoseconds: isStamped ? this.#stat.readUInt32LE(statxOffset.mtime + 8) : 0,
        timeMs: kind === 'write' || kind === 'resize' ? 0 : Date.now(),
        writer: 0,
        afterCommit: this.#parts.newestCommit(),
        isJournaled: false,
        isUncertain: false,
        ...facts,
      },
      data,
    );
    if (isAppended) return true;
    ring.isLossy = true;
    captured.isOpen = true;
    captured.lost ??= noRoom;
    return false;
  }

  #capture(node: Node, path: string): Captured | undefined {
    if (!statAt(node.fd, emptyPath, AT_EMPTY_PATH, this.#stat)) return undefined;
    const file = {
      inode: Number(this.#stat.readBigUInt64LE(statxOffset.ino)),
      deviceMajor: this.#stat.readUInt32LE(statxOffset.devMajor),
      deviceMinor: this.#stat.readUInt32LE(statxOffset.devMinor),
    };
    const made = {
      node,
      file,
      path: Buffer.from(path),
      isOpen: false,
      bytes: 0,
      isJournaled: false,
      isTorn: false,
      lost: undefined,
    };
    this.#captured.set(node.id, made);
    return made;
  }

  #hasJournal(captured: Captured): boolean {
    const hasJournal = this.#look.hasJournal(captured.node);
    if (hasJournal === undefined) captured.lost ??= nameless; // its journal cannot be found
    return hasJournal ?? false;
  }
}

/** By the name under which the kernel has met it last: most files that are opened are journals. */
function mayBeDatabase(node: Node): boolean {
  const name = node.names.newest(1)[0]?.name;
  return name === undefined || sqliteFileOf(name.toString('latin1', 0, name.length - 1)).kind === 'database';
}
