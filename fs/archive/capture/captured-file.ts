// What was captured of one database and not archived yet: whole transactions, in their order, and the one that goes on.
// It collects; it reads no file.
import type { CaptureRecord } from '../../state/capture-ring.ts';
import type { QuietStamp } from '../tail/main-file.ts';

/** What was written, or the size that the file was given. */
export type Piece = { readonly at: number; readonly data: Buffer } | { readonly size: number };

interface Placed {
  /** Where its first record begins, and where the one behind it does. */
  readonly start: number;
  readonly end: number;
  /** The newest record of a commit in WAL mode at that time: see CaptureFacts. */
  readonly afterCommit: number;
}

/** From the last transaction's end to this one's. It may have been rolled back. */
export interface Window extends Placed {
  readonly kind: 'window';
  readonly pieces: readonly Piece[];
  readonly timeMs: number;
  /** In the ring of writers; 0: not known. */
  readonly writer: number;
  /** The main file afterwards. */
  readonly stamp: QuietStamp;
}

export type CapturedItem =
  | Window
  | (Placed & { readonly kind: 'claim' | 'left'; readonly stamp: QuietStamp })
  | (Placed & { readonly kind: 'gap'; readonly reason: string });

interface Pending {
  start: number;
  pieces: Piece[];
  isJournaled: boolean;
  /** Something of it was dropped. */
  broken: string | undefined;
}

const unseenBegin = 'it was opened while nothing was captured';
const uncertain = 'the fs process ended while a transaction without a journal did';

export class CapturedFile {
  readonly device: string;
  readonly inode: string;
  /** Below the data directory; undefined while nothing has told it. */
  name: string | undefined;
  /** Programs have it open, and all that they write is captured. */
  isClaimed: boolean;
  #items: CapturedItem[] = [];
  #pending: Pending | undefined;

  constructor(device: string, inode: string, isClaimed: boolean) {
    this.device = device;
    this.inode = inode;
    this.isClaimed = isClaimed;
  }

  get first(): CapturedItem | undefined {
    return this.#items[0];
  }

  shift(): void {
    this.#items.shift();
  }

  /** A transaction has written something and has not ended. */
  get hasPending(): boolean {
    return this.#pending !== undefined;
  }

  /** The first record that is still needed, should this process be killed; Infinity: none is. */
  get neededFrom(): number {
    return Math.min(
      this.#items[0]?.start ?? Number.POSITIVE_INFINITY,
      this.#pending?.start ?? Number.POSITIVE_INFINITY,
    );
  }

  add(record: CaptureRecord): void {
    const { kind, position: start, next: end, afterCommit } = record;
    if (!this.isClaimed && kind !== 'claim' && kind !== 'left') this.#foundOpen(record);
    switch (kind) {
      case 'write':
        this.#write(record, { at: record.bytes, data: record.data });
        return;
      case 'resize':
        this.#write(record, { size: record.bytes });
        return;
      case 'claim':
      case 'left':
        this.isClaimed = kind === 'claim';
        if (kind === 'claim') this.name = record.data.toString();
        this.#items.push({ kind, start, end, afterCommit, stamp: stampOf(record) });
        return;
      case 'gap':
        this.#pending = undefined;
        this.#items.push({ kind, start, end, afterCommit, reason: record.data.toString() });
        return;
      case 'end':
        this.name = record.data.toString();
        this.#end(record);
        return;
      default:
        kind satisfies never;
    }
  }

  /** Lets go of everything: nothing is needed of it any more, and what it held is a gap. `at`: where the ring ends. */
  drop(reason: string, at: number): void {
    this.#items = [{ kind: 'gap', start: at, end: at, afterCommit: 0, reason }];
    if (this.#pending !== undefined) this.#pending = { ...this.#pending, start: at, pieces: [], broken: reason };
  }

  /**
   * All items, which are gone afterwards, and what the transaction that goes on has written so far. undefined: there is
   * something between them that no comparison can go over.
   */
  takeAll(): readonly Piece[] | undefined {
    const items = this.#items;
    this.#items = [];
    const pieces: Piece[] = [];
    for (const item of items) {
      if (item.kind === 'gap' || item.kind === 'claim') return undefined;
      if (item.kind === 'window') pieces.push(...item.pieces);
    }
    return this.#pending?.broken === undefined ? [...pieces, ...(this.#pending?.pieces ?? [])] : undefined;
  }

  /** It is no database that is archived, at least up to now. */
  ignoreItems(): void {
    this.#items = [];
  }

  /** A successor of the fs process captures what the one before it did not. */
  #foundOpen(record: CaptureRecord): void {
    const { kind, position: start, next: end, afterCommit } = record;
    this.isClaimed = true;
    if (kind === 'end') this.#items.push({ kind: 'claim', start, end, afterCommit, stamp: stampOf(record) });
    else if (kind !== 'gap') this.#items.push({ kind: 'gap', start, end, afterCommit, reason: unseenBegin });
  }

  #write({ position, isJournaled }: CaptureRecord, piece: Piece): void {
    this.#pending ??= { start: position, pieces: [], isJournaled, broken: undefined };
    if (this.#pending.broken === undefined) this.#pending.pieces.push(piece);
  }

  #end(record: CaptureRecord): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { start, pieces } = pending;
    const { next: end, timeMs, writer, afterCommit } = record;
    const reason = pending.broken ?? (record.isUncertain && !pending.isJournaled ? uncertain : undefined);
    if (reason !== undefined) this.#items.push({ kind: 'gap', start, end, afterCommit, reason });
    else this.#items.push({ kind: 'window', start, end, afterCommit, pieces, timeMs, writer, stamp: stampOf(record) });
  }
}

function stampOf({ bytes, mtimeSeconds, mtimeNanoseconds }: CaptureRecord): QuietStamp {
  return { size: BigInt(bytes), mtimeNs: BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds) };
}
