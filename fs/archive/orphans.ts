// Records of commits of databases that are not known yet: they are kept until somebody finds the database.
import type { CommitRecord } from './tail/evidence.ts';

/** Of all databases together. */
const mostOrphans = 70_000;

export class Orphans {
  /** By device and inode of the database. */
  #records = new Map<string, CommitRecord[]>();
  #count = 0;

  has(key: string): boolean {
    return this.#records.has(key);
  }

  /** @returns whether it is the first one of this database */
  keep(key: string, record: CommitRecord): boolean {
    const others = this.#records.get(key);
    if (others === undefined) this.#records.set(key, [record]);
    else others.push(record);
    this.#count += 1;
    if (this.#count > mostOrphans) {
      this.#records = new Map();
      this.#count = 0;
    }
    return others === undefined;
  }

  /** Those of one database, oldest first. */
  of(key: string): readonly CommitRecord[] {
    return this.#records.get(key) ?? [];
  }

  drop(key: string): void {
    this.#records.delete(key);
  }
}
