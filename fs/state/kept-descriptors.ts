// Descriptors that must outlive the process: copies of them lie in flight in a socket pair of which the supervisor holds both
// ends, and a successor finds them there. A copy keeps what a closed descriptor would end: OFD locks, and files without a name.

import { errnoName } from '../errors.ts';
import type { Log } from '../log.ts';
import { close } from '../system/files.ts';
import { DescriptorMessages } from '../system/sockets.ts';

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
/** Dead copies are cleared out when there are this many more of them than live ones... */
const spareCopies = 32;
/** ...and after this time without another one: a file that is open for writing keeps a file system from being remounted. */
const clearAfterMs = 500;
/** So many copies are cleared out in a fraction of a millisecond. */
const cheapCopies = 2 * spareCopies;

export class KeptDescriptors {
  readonly #sendFd: number;
  readonly #receiveFd: number;
  readonly #log: Log;
  readonly #messages = new DescriptorMessages(payloadBytes);
  readonly #live = new Map<string, KeptDescriptor>();
  /** Forgotten, but a copy is still in the socket and keeps the file's blocks from being freed. */
  readonly #dead = new Set<string>();
  /** Messages in the socket, copies of forgotten descriptors included. */
  #inFlight = 0;
  #clearAtMs = 0;

  constructor(socket: { readonly sendFd: number; readonly receiveFd: number }, log: Log) {
    this.#sendFd = socket.sendFd;
    this.#receiveFd = socket.receiveFd;
    this.#log = log;
  }

  get size(): number {
    return this.#live.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** From now on a copy outlives this process, until forget(). The descriptor itself stays the caller's. */
  keep(kind: KeptKind, id: number, fd: number): void {
    const kept = { kind, id, fd };
    const key = keyOf(kind, id);
    if (this.#live.has(key)) this.#dead.add(key);
    this.#live.set(key, kept);
    this.#send(kept);
  }

  forget(kind: KeptKind, id: number): void {
    const key = keyOf(kind, id);
    if (!this.#live.delete(key)) return;
    this.#dead.add(key);
    this.#clearAtMs = performance.now() + clearAfterMs;
    if (this.#inFlight - this.#live.size > this.#live.size + spareCopies) this.#clearOut();
  }

  /** When clearIfDue has something to do, on the clock of performance.now(); Infinity for never. */
  get nextClearMs(): number {
    return this.#dead.size === 0 ? Number.POSITIVE_INFINITY : this.#clearAtMs;
  }

  clearIfDue(): void {
    if (this.#dead.size > 0 && performance.now() >= this.#clearAtMs) this.#clearOut();
  }

  /**
   * The node's file is to go: no forgotten copy may keep its blocks. At once while that is cheap; where many are kept, one clearing
   * lets go of many, since each takes as long as there are copies and nobody is served meanwhile.
   */
  letGo(id: number): void {
    if (this.#dead.size === 0 || this.#inFlight > cheapCopies) return;
    if (kinds.some((kind) => this.#dead.has(keyOf(kind, id)))) this.#clearOut();
  }

  /** In a successor: all that was kept, one descriptor each, which from now on belong to the caller. Nothing leaves the socket. */
  recover(): readonly KeptDescriptor[] {
    this.#messages.peekAll(this.#receiveFd, (fd) => {
      this.#inFlight += 1;
      const { payload } = this.#messages;
      const kind = kinds[payload.readUInt32LE(0)] ?? 'node';
      const id = payload.readDoubleLE(8);
      const older = this.#live.get(keyOf(kind, id));
      if (older !== undefined) close(older.fd); // a copy of the same file description, or of one that was given up
      this.#live.set(keyOf(kind, id), { kind, id, fd });
    });
    return [...this.#live.values()];
  }

  /** New copies first, then the old ones out: at no moment is a live descriptor without a copy. */
  #clearOut(): void {
    this.#dead.clear();
    const old = this.#inFlight;
    for (const kept of this.#live.values()) this.#send(kept);
    for (let count = 0; count < old; count++) {
      const fd = this.#messages.receive(this.#receiveFd);
      if (fd < 0) break;
      this.#inFlight -= 1;
      close(fd);
    }
  }

  #send({ kind, id, fd }: KeptDescriptor): void {
    const { payload } = this.#messages;
    payload.writeUInt32LE(kinds.indexOf(kind), 0);
    payload.writeDoubleLE(id, 8);
    const result = this.#messages.send(this.#sendFd, fd);
    if (result === 0) this.#inFlight += 1;
    else this.#log('warn', 'descriptor-not-kept', { kind, id, error: errnoName(-result) });
  }
}

function keyOf(kind: KeptKind, id: number): string {
  return `${kind}:${id}`;
}
