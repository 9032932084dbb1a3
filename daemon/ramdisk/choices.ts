// What was chosen for single databases by `hoody-sqlite tier set`, kept in the state directory.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TierName, tierNameOf } from './tier-names.ts';

export class Choices {
  readonly #path: string;
  #chosen: Readonly<Record<string, TierName>>;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'tiers.json');
    this.#chosen = this.#read();
  }

  /** By the path below the data directory. */
  get all(): Readonly<Record<string, TierName>> {
    return this.#chosen;
  }

  set(path: string, tier: TierName): void {
    this.#chosen = { ...this.#chosen, [path]: tier };
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.#chosen, undefined, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** @throws Error where the file is not what this class has written */
  #read(): Readonly<Record<string, TierName>> {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    const parsed: unknown = JSON.parse(text);
    const entries = Object.entries(typeof parsed === 'object' && parsed !== null ? parsed : { '': parsed });
    if (entries.some(([, tier]) => tierNameOf(String(tier)) === undefined)) throw new Error(`${this.#path} is damaged`);
    return Object.fromEntries(entries) as Record<string, TierName>;
  }
}
