// The threads that do errands (nodes/errands.ts), seen from the main thread: one for each device, so that a slow disk
// delays only what is to be done on it. A thread that dies costs the errand that it was doing an EIO. The next thread
// does what was behind it.
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import type { Errand } from '../nodes/errands.ts';
import type { ErrandResult } from './errand-thread.ts';

const { EIO } = constants.errno;
/** Each takes some 10 MB. More devices than that share them. */
const mostThreads = 4;

interface Thread {
  readonly worker: Worker;
  /** In the order in which they are done. */
  readonly errands: Errand[];
}

export class ErrandThreads {
  readonly #done: (result: ErrandResult) => void;
  readonly #log: Log;
  readonly #module: URL;
  readonly #threads: (Thread | undefined)[] = [];
  readonly #threadOf = new Map<string, number>();

  /** `done` gets one result for each errand. */
  constructor(done: (result: ErrandResult) => void, log: Log, module = new URL('./errand-thread.js', import.meta.url)) {
    this.#done = done;
    this.#log = log;
    this.#module = module;
  }

  do(errand: Errand): void {
    const place = this.#threadOf.get(errand.device) ?? this.#threadOf.size % mostThreads;
    this.#threadOf.set(errand.device, place);
    const thread = this.#threads[place] ?? this.#start(place);
    thread.errands.push(errand);
    thread.worker.postMessage(errand);
  }

  #start(place: number): Thread {
    const worker = new Worker(this.#module);
    const thread: Thread = { worker, errands: [] };
    this.#threads[place] = thread;
    let error = 'it has ended';
    worker.on('message', (result: ErrandResult) => {
      thread.errands.shift();
      this.#done(result);
    });
    worker.on('error', ({ stack, message }) => {
      error = stack ?? message;
    });
    worker.on('exit', () => {
      this.#threads[place] = undefined;
      this.#died(thread, error);
    });
    worker.unref();
    return thread;
  }

  /**
   * Whether it has closed the descriptors of what it was doing is not known: one that is left open does less harm than
   * one closed twice.
   */
  #died({ errands: [errand, ...next] }: Thread, error: string): void {
    this.#log('error', 'errand-thread-died', { call: errand?.call, error, effect: 'its caller gets EIO' });
    if (errand !== undefined) this.#done({ id: errand.id, result: -EIO });
    for (const waiting of next) this.do(waiting);
  }
}
