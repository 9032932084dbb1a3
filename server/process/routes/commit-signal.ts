// Wakes a request that waits for a change: by a commit that the server hears of, by the end of the request or of the
// server, and now and then all the same, since a native client's commit is not always heard.
import type { CommitBy } from '../commit-listeners.ts';
import type { RequestContext } from '../http/context.ts';
import type { Services } from '../services.ts';

/** Without a mount nobody tells us of native commits: look. With one this is only a safety net. */
const pollWithoutMountMs = 1000;
const pollWithMountMs = 10_000;

/** Whose commits there were. */
export type Heard = ReadonlySet<CommitBy>;

export class CommitSignal {
  readonly #pollMs: number;
  readonly #end: () => void;
  #wake: (() => void) | null = null;
  #isSet = false;
  #isClosed = false;
  #heard = new Set<CommitBy>();

  constructor(context: RequestContext, services: Services) {
    this.#pollMs = services.options.mounted ? pollWithMountMs : pollWithoutMountMs;
    const stopListening = services.onCommit(services.target(context), (by) => {
      this.#heard.add(by);
      this.#set();
    });
    const onClose = () => this.#close();
    const onStop = () => this.#set();
    // The socket, not the request: a request is at its end as soon as its body is read.
    const { socket } = context.request;
    socket.once('close', onClose);
    services.stopping.addEventListener('abort', onStop);
    this.#end = () => {
      stopListening();
      socket.off('close', onClose);
      services.stopping.removeEventListener('abort', onStop);
    };
  }

  /** The client has left. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves after the next commit (or one since the last wait), at the latest after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#isSet && !this.#isClosed && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, this.#pollMs));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#isSet = false;
  }

  /** What commits there have been since the last call, as far as the server hears of them. */
  takeHeard(): Heard {
    const heard = this.#heard;
    this.#heard = new Set();
    return heard;
  }

  end(): void {
    this.#end();
  }

  #set(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }
}
