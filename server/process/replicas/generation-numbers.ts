// Numbers of generations. Copies keep them, so none may be given twice for one database, whatever becomes of this
// process, of its predecessor during a handover, or of the clock. The newest ones are names of empty files: making one
// that is there already fails.
import { chownSync, mkdirSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnprivilegedUser } from '../../index.ts';

/** A copy goes through all numbers one by one: an hour away costs it one request, at most. */
const unitMs = 3_600_000;
const firstMs = Date.UTC(2026, 0, 1);
/** More than processes that overlap can take while one of them looks. */
const keptNumbers = 64;

export class GenerationNumbers {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Above all earlier ones. Where the folder was lost, or an old one was brought back, the clock sees to that.
   * @throws NodeJS.ErrnoException
   */
  async next(): Promise<number> {
    const kept = (await readdir(this.#folder)).filter((name) => /^\d{1,9}$/.test(name)).map(Number);
    const ofClock = Math.max(1, Math.floor((Date.now() - firstMs) / unitMs));
    let number = Math.max(ofClock, Math.max(0, ...kept) + 1);
    while (!(await this.#take(number))) number += 1;
    await this.#sync();
    const old = kept.filter((one) => one < number - keptNumbers);
    await Promise.all(old.map((one) => rm(join(this.#folder, String(one)), { force: true })));
    return number;
  }

  async #take(number: number): Promise<boolean> {
    try {
      await (await open(join(this.#folder, String(number)), 'wx')).close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  /** A power cut must not take the name away. */
  async #sync(): Promise<void> {
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** For the user of the server alone. To be called while the process may still do so. */
export function makeGenerationsFolder(stateDir: string, user?: UnprivilegedUser): string {
  const folder = join(stateDir, 'replicas');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  return folder;
}
