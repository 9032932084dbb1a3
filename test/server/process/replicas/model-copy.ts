// A copy as a libSQL client keeps it (sync.rs of its Rust library): a main file, a log of frames that is put into it
// when a generation ends, and the two numbers of its -info file. Frames behind the last whole transaction are dropped.
import { ApiError } from '../../../../server/messages/errors.ts';
import type { DatabaseTarget } from '../../../../server/messages/paths.ts';
import type { Replicas } from '../../../../server/process/replicas/replicas.ts';

const pageBytes = 4096;
const frameBytes = 24 + pageBytes;
const atOnce = 128;
const patienceMs = 20_000;

const deadlineMs = () => performance.now() + patienceMs;

export class ModelCopy {
  generation = 0;
  /** Of whole transactions. */
  frames = 0;
  #pages: Buffer[] = [];

  get image(): Buffer {
    return Buffer.concat(this.#pages);
  }

  async bootstrap(replicas: Replicas, target: DatabaseTarget, read: (path: string) => Promise<Buffer>): Promise<void> {
    this.generation = await replicas.generation(target, deadlineMs());
    const bytes = await replicas.withBase(target, this.generation, deadlineMs(), (path) => read(path));
    bytes.fill(2, 18, 20);
    this.#pages = pagesOf(bytes);
    this.frames = 0;
  }

  /** `mostRequests`: then the client dies, and with it what it has of a transaction. @returns whether it is done */
  async pull(replicas: Replicas, target: DatabaseTarget, mostRequests: number): Promise<boolean> {
    let next = this.frames + 1;
    let open = new Map<number, Buffer>();
    for (let requests = 0; requests < mostRequests; requests++) {
      const { generation } = this;
      const given = await replicas.frames(target, { generation, next, end: next + atOnce }, deadlineMs());
      if ('generation' in given) {
        if (given.generation <= generation) return true;
        if (open.size > 0) throw new Error('the client panics: a generation ended within a transaction');
        this.generation += 1;
        [this.frames, next] = [0, 1];
        continue;
      }
      if (given.frames.length === 0 || given.frames.length % frameBytes !== 0) throw new Error('no whole frames');
      for (let at = 0; at < given.frames.length; at += frameBytes, next++) {
        const size = given.frames.readUInt32BE(at + 4);
        open.set(given.frames.readUInt32BE(at), given.frames.subarray(at + 24, at + frameBytes));
        if (size === 0) continue;
        this.#commit(open, size);
        open = new Map();
        this.frames = next;
      }
    }
    return false;
  }

  #commit(pages: ReadonlyMap<number, Buffer>, size: number): void {
    for (const [page, content] of pages) this.#pages[page - 1] = content;
    this.#pages = Array.from({ length: size }, (_, index) => this.#pages[index] ?? Buffer.alloc(pageBytes));
  }
}

function pagesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / pageBytes }, (_, at) =>
    bytes.subarray(at * pageBytes, (at + 1) * pageBytes),
  );
}

/** A refusal that leaves the copy as it was: its client tries again. */
export function isToldToTryAgain(error: unknown): boolean {
  return error instanceof ApiError && /sync again|^dropped$/.test(error.message);
}
