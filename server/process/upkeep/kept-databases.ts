// The databases with KV tables, by path, in a file of the state directory: what has to be expired and pruned goes on
// after a restart, also where nobody asks for it over HTTP. The file is a hint: without it, work on a database begins
// at its first use.
import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';

const mostPaths = 1000;

export class KeptDatabases {
  readonly #fd: number | undefined;
  readonly #paths: Set<string>;

  /**
   * Keeps the file open: to be made while the process may still open it. One file a root: daemons may share the state
   * directory.
   */
  constructor(stateDir: string, root: string, log: Log) {
    const file = join(stateDir, `kv-databases${root.replaceAll('/', '-')}.json`);
    try {
      this.#fd = openSync(file, 'a+', 0o600);
    } catch (error) {
      log('debug', 'the list of KV databases cannot be kept', { file, error: String(error) });
    }
    this.#paths = new Set(this.#fd === undefined ? [] : pathsIn(readFileSync(this.#fd, 'utf8')));
  }

  get paths(): string[] {
    return [...this.#paths];
  }

  add(path: string): void {
    if (this.#paths.has(path) || this.#paths.size >= mostPaths) return;
    this.#paths.add(path);
    this.#write();
  }

  remove(path: string): void {
    if (this.#paths.delete(path)) this.#write();
  }

  #write(): void {
    if (this.#fd === undefined) return;
    ftruncateSync(this.#fd);
    writeSync(this.#fd, `${JSON.stringify(this.paths, null, 1)}\n`);
  }
}

function pathsIn(text: string): string[] {
  try {
    const paths: unknown = JSON.parse(text);
    return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string').slice(0, mostPaths) : [];
  } catch {
    // New, or cut short by the end of a process.
    return [];
  }
}
