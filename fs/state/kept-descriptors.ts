// Descriptors that must outlive the process: copies of them lie in flight in a socket pair of which the supervisor
// holds both ends, and a successor finds them there. A copy keeps what a closed descriptor would end: OFD locks, and
// files without a name.

import { errnoName } from '../errors.ts';
import type { Log } from '../log.ts';
import { close, emptyPath } from '../system/files.ts';
import { DescriptorMessages } from '../system/sockets.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';

/** `node`: stands for an inode (O_PATH). `mirror`: holds the OFD locks of an inode. */
export type KeptKind = 'node' | 'mirror';

export interface KeptDescriptor {
  readonly kind: KeptKind;
  /** The node's id. */
  readonly id: number;
  readonly fd: number;
}

/** Room for some 50,000 messages. */
export const keptRoomBytes = 64 << 20;

const kinds: readonly KeptKind[] = ['node', 'mirror'];
const payloadBytes = 16;
/** Dead copies are cleared out while requests are served too when there are this many more of them than live ones... */
const spareCopies = 32;
/**
 * ...and after this time without another one: a file that is open for writing keeps a file system from being remounted.
 */
const clearAfterMs = 500;
/** So many copies are cleared out in a fraction of a millisecond. */
const cheapCopies = 2 * spareCopies;
/** At a time; each takes some 10 us. */
const copiesAtOnce = 16;
/** For each descriptor that is forgotten while there are too many dead copies. */
const copiesPerForget = 4;

/** Of 512 bytes each: 1 MiB. */
const largeBlocks = 2048n;

/** A message in the socket. */
interface Copy {
  readonly key: string;
  /** Of all copies of that key the newest one counts. */
  readonly number: number;
}

export class KeptDescriptors {
  readonly #sendFd: number;
  readonly #receiveFd: number;
  readonly #log: Log;
  readonly #messages = new DescriptorMessages(payloadBytes);
  readonly #live = new Map<string, { readonly kept: KeptDescriptor; readonly copy: number }>();
  /** What is in the socket, in its order: from `#first` on. */
  #copies: Copy[] = [];
  #first = 0;
  /** How many there are of each key. */
  readonly #copiesOf = new Map<string, number>();
  #nextCopy = 0;
  #clearAtMs = 0;
  readonly #stat = Buffer.alloc(statxSize);
  /** Closes a descriptor on another thread. */
  closeElsewhere: (fd: number) => void = close;

  constructor(socket: { readonly sendFd: number; readonly receiveFd: number }, log: Log) {
    this.#sendFd = socket.sendFd;
    this.#receiveFd = socket.receiveFd;
    this.#log = log;
  }

  get size(): number {
    return this.#live.size;
  }

  /**
   * Messages in the socket, copies of forgotten descriptors included: these keep their files' blocks from being freed.
   */
  get inFlight(): number {
    return this.#copies.length - this.#first;
  }

  /** From now on a copy outlives this process, until forget(). The descriptor itself stays the caller's. */
  keep(kind: KeptKind, id: number, fd: number): void {
    this.#send({ kind, id, fd });
  }

  has(kind: KeptKind, id: number): boolean {
    return this.#live.has(keyOf(kind, id));
  }

  forget(kind: KeptKind, id: number): void {
    if (!this.#live.delete(keyOf(kind, id))) return;
    this.#clearAtMs = performance.now() + clearAfterMs;
    if (this.#dead > this.#live.size + spareCopies) this.#clear(copiesPerForget);
  }

  /** When clearIfDue has something to do, on the clock of performance.now(); Infinity for never. */
  get nextClearMs(): number {
    return this.#dead === 0 ? Number.POSITIVE_INFINITY : this.#clearAtMs;
  }

  /** Clears out some of the dead copies, the next ones at the next call; false when none was due. */
  clearIfDue(): boolean {
    if (this.#dead === 0 || performance.now() < this.#clearAtMs) return false;
    this.#clear(copiesAtOnce);
    return true;
  }

  /**
   * The node's file is to go: no forgotten copy may keep its blocks, unless so many others are kept that to find it
   * takes long.
   */
  letGo(id: number): void {
    if (this.#dead === 0 || this.inFlight > cheapCopies) return;
    const isKept = (key: string) => (this.#copiesOf.get(key) ?? 0) > (this.#live.has(key) ? 1 : 0);
    if (kinds.some((kind) => isKept(keyOf(kind, id)))) this.#clear(this.inFlight);
  }

  /**
   * In a successor: all that was kept, one descriptor each, which from now on belong to the caller. Nothing leaves the
   * socket.
   */
  recover(): readonly KeptDescriptor[] {
    this.#messages.peekAll(this.#receiveFd, (fd) => {
      const { payload } = this.#messages;
      const kind = kinds[payload.readUInt32LE(0)] ?? 'node';
      const id = payload.readDoubleLE(8);
      const older = this.#live.get(keyOf(kind, id));
      if (older !== undefined) close(older.kept.fd); // a copy of the same file description, or of one that was given up
      this.#note({ kind, id, fd });
    });
    return [...this.#live.values()].map(({ kept }) => kept);
  }

  /** Copies without a use. */
  get #dead(): number {
    return this.inFlight - this.#live.size;
  }

  /**
   * Takes `most` copies out of the socket, as long as there are dead ones. One that is live gets a new copy behind the
   * others before the old one goes: at no moment is it without.
   */
  #clear(most: number): void {
    for (let count = 0; count < most && this.#dead > 0; count++) {
      const oldest = this.#copies[this.#first];
      if (oldest === undefined) return;
      const live = this.#live.get(oldest.key);
      const isLive = live?.copy === oldest.number;
      const isSent = isLive && this.#trySend(live.kept) === 0;
      const fd = this.#messages.receive(this.#receiveFd);
      if (fd >= 0) this.#close(fd);
      this.#noteTaken(oldest.key);
      if (isLive && !isSent) this.#send(live.kept); // it was full: there is room now
    }
  }

  /** The last copy of a large file without a name gives its space back, which takes long. */
  #close(fd: number): void {
    const isKnown = statAt(fd, emptyPath, AT_EMPTY_PATH, this.#stat);
    const isNameless = isKnown && this.#stat.readUInt32LE(statxOffset.nlink) === 0;
    if (isNameless && this.#stat.readBigUInt64LE(statxOffset.blocks) > largeBlocks) this.closeElsewhere(fd);
    else close(fd);
  }

  #noteTaken(key: string): void {
    this.#first += 1;
    const left = (this.#copiesOf.get(key) ?? 1) - 1;
    if (left === 0) this.#copiesOf.delete(key);
    else this.#copiesOf.set(key, left);
    if (this.#first < this.#copies.length / 2) return;
    this.#copies = this.#copies.slice(this.#first);
    this.#first = 0;
  }

  #send(kept: KeptDescriptor): void {
    const result = this.#trySend(kept);
    if (result === 0) return;
    const { kind, id } = kept;
    this.#live.delete(keyOf(kind, id));
    this.#log('warn', 'descriptor-not-kept', { kind, id, error: errnoName(-result) });
  }

  /** 0 or a negative errno. */
  #trySend(kept: KeptDescriptor): number {
    const { payload } = this.#messages;
    payload.writeUInt32LE(kinds.indexOf(kept.kind), 0);
    payload.writeDoubleLE(kept.id, 8);
    const result = this.#messages.send(this.#sendFd, kept.fd);
    if (result === 0) this.#note(kept);
    return result;
  }

  /** A copy is in the socket, and counts from now on. */
  #note(kept: KeptDescriptor): void {
    const key = keyOf(kept.kind, kept.id);
    const copy = this.#nextCopy++;
    this.#live.set(key, { kept, copy });
    this.#copies.push({ key, number: copy });
    this.#copiesOf.set(key, (this.#copiesOf.get(key) ?? 0) + 1);
  }
}

function keyOf(kind: KeptKind, id: number): string {
  return `${kind}:${id}`;
}
