// One full disk is one trouble, however many databases have no room for their commits on it.
import type { ArchiveParts } from './archive-parts.ts';

export class FullDisk {
  readonly #parts: Pick<ArchiveParts, 'makeRoom' | 'log'>;
  /** Databases for whose commits there is no room. */
  readonly #full = new Set<string>();

  constructor(parts: Pick<ArchiveParts, 'makeRoom' | 'log'>) {
    this.#parts = parts;
  }

  /** Of one database, by a key of it. */
  tell(key: string, hasRoom: boolean): void {
    const wasFull = this.#full.size > 0;
    if (hasRoom) this.#full.delete(key);
    else this.#full.add(key);
    const isFull = this.#full.size > 0;
    const { log, makeRoom } = this.#parts;
    if (isFull) makeRoom?.();
    if (isFull && !wasFull) log('error', 'archive-no-space', { reason: 'the disk of the archive is full' });
    if (wasFull && !isFull) log('info', 'archive-has-space', {});
  }
}
