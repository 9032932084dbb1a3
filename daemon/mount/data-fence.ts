// The fence of a daemon that serves the data directory without a mount: the server is told which databases it must not
// open.
import { Fence, openersToFind } from '../../fs/index.ts';
import type { Log } from '../log.ts';

const checkIntervalMs = 250;

export class DataFence {
  readonly #fence: Fence;
  readonly #timer: NodeJS.Timeout | undefined;

  /**
   * To be made before anything in the data directory is opened. `stateDir`: see FsStartOptions. `changed` gets what is
   * still fenced.
   */
  constructor(dataDir: string, stateDir: string, changed: (databases: readonly string[]) => void, log: Log) {
    const inMemory = { names: () => [], add: () => true, remove: () => {} };
    this.#fence = new Fence(dataDir, openersToFind(stateDir), inMemory, (level, event, fields) =>
      log.write(level, event, fields),
    );
    // Somebody opened a file in the moment in which it was asked for a lease: the kernel says so, and would end the
    // process.
    process.on('SIGIO', () => {});
    this.#fence.survey();
    if (this.databases.length === 0) return;
    this.#timer = setInterval(() => {
      if (this.#fence.check(performance.now())) changed(this.databases);
      if (this.databases.length === 0) this.stop();
    }, checkIntervalMs);
  }

  get databases(): readonly string[] {
    return this.#fence.databases;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
