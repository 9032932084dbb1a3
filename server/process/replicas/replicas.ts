// Copies of databases that libSQL clients keep (embedded replicas): what brings each of them up to date. All comes out
// of the archive, by moments of its log, so whatever a copy gets is a state that the database had. Whenever the archive
// cannot tell what lies between two moments, a new chain begins, and every copy gets the whole database as frames.
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type ErrorCode } from '../../messages/errors.ts';
import type { DatabaseTarget } from '../../messages/paths.ts';
import type { Moment } from '../../messages/time-machine.ts';
import type { TimeMachine } from '../time-machine/time-machine.ts';
import { type Advance, Chain, lockPage } from './chain.ts';
import { endTransaction, frameBytes, framesOfPatch, pageBytes, putFrame } from './frames.ts';
import type { GenerationNumbers } from './generation-numbers.ts';

/** Clients ask for 128. */
const mostFrames = 512;
const mostChains = 1_000;
/** The first copy of a database in the archive is made when somebody asks for it. */
const firstCopyMs = 5_000;
const firstCopyLookMs = 50;
/** What the archive says when it cannot tell any more what lies between two moments. */
const breaks: ReadonlySet<ErrorCode> = new Set(['UNKNOWN_BOOKMARK', 'TOO_OLD', 'ARCHIVE_GAP']);

/** Which frames a copy asks for: of its generation, `next` (counted from 1) and behind, before `end`. */
export interface Asked {
  readonly generation: number;
  readonly next: number;
  readonly end: number;
  /** It has got enough for now: what was committed since the last look is for its next sync. */
  readonly isSated?: boolean;
}

/** Frames; or, where there are none, the newest generation. `isNew`: what was committed until now was looked for. */
export type Given = { readonly frames: Buffer; readonly isNew: boolean } | { readonly generation: number };

export interface ReplicasDeps {
  readonly timeMachine: TimeMachine;
  readonly numbers: GenerationNumbers;
  readonly sizes?: ChainSizes;
}

export interface ChainSizes {
  /** The log of a copy grows with its generation. Behind so many frames it begins anew, without an image. */
  readonly framesOfGeneration: number;
  /** Behind so many transactions a new chain begins, and every copy gets an image. */
  readonly advances: number;
}

const usualSizes: ChainSizes = { framesOfGeneration: 8_192, advances: 10_000 };

interface Kept {
  chain: Chain | undefined;
  /** Copies may be in the middle of one of its transactions. */
  before: Chain | undefined;
  /** The end of the work that was asked for last. */
  last: Promise<unknown>;
}

export class Replicas {
  readonly #deps: ReplicasDeps;
  /** By path. */
  readonly #kept = new Map<string, Kept>();

  constructor(deps: ReplicasDeps) {
    this.#deps = deps;
  }

  /** The generation that a new copy begins with. @throws ApiError */
  generation(target: DatabaseTarget, deadlineMs: number): Promise<number> {
    return this.#alone(target, async (kept) => (await this.#chainOf(kept, target, deadlineMs)).newest.number);
  }

  /** `use` gets the path of the state that a generation begins with. @throws ApiError */
  async withBase<Result>(
    target: DatabaseTarget,
    generation: number,
    deadlineMs: number,
    use: (path: string, moment: Moment) => Promise<Result>,
  ): Promise<Result> {
    const kept = this.#kept.get(target.path);
    const base = kept?.chain?.baseOf(generation);
    if (base === undefined) throw new ApiError('NOT_FOUND', `there is no generation ${generation}: ask /info for one`);
    try {
      const { bookmark } = base;
      const { timeMachine } = this.#deps;
      return await timeMachine.withState(target, { bookmark }, deadlineMs, ({ path }) => use(path, base));
    } catch (error) {
      if (kept?.chain !== undefined && isBreak(error)) await this.#forget(target, kept.chain);
      throw error;
    }
  }

  /** @throws ApiError */
  async frames(target: DatabaseTarget, asked: Asked, deadlineMs: number): Promise<Given> {
    const { generation, next } = asked;
    for (;;) {
      const { chain, before } = await this.#alone(target, async (kept) => {
        return { chain: await this.#chainOf(kept, target, deadlineMs), before: kept.before };
      });
      // A client that is told of a new generation in the middle of a transaction does not survive it.
      if (generation < chain.image.number && before?.isWithin(generation, next) === true) throw beginsAnew();
      try {
        const given = await this.#given(chain, target, asked, deadlineMs);
        if (given !== null) return given;
      } catch (error) {
        if (!isBreak(error)) throw error;
        await this.#forget(target, chain);
      }
    }
  }

  /** null: the chain has changed meanwhile. */
  async #given(chain: Chain, target: DatabaseTarget, asked: Asked, deadlineMs: number): Promise<Given | null> {
    const { generation, next } = asked;
    const place = chain.placeOf(generation, next);
    const most = Math.min(asked.end - next, mostFrames);
    switch (place.kind) {
      case 'ahead':
        throw new ApiError('CONFLICT', `generation ${generation} is not known: delete the copy, with its -info file`);
      case 'lost':
        throw new ApiError('TOO_OLD', 'what the copy has is not known');
      case 'next':
        return { generation: chain.newest.number };
      case 'image':
        return { frames: await this.#imageFrames(chain, target, place.skip, most, deadlineMs), isNew: false };
      case 'advance':
        return { frames: await this.#framesOf(place.advance, target, place.skip, most, deadlineMs), isNew: false };
      case 'end':
        if (asked.isSated) return { generation: chain.newest.number };
        return await this.#alone(target, async (kept) => {
          if (kept.chain !== chain || chain.placeOf(generation, next).kind !== 'end') return null;
          return await this.#advance(chain, target, most, deadlineMs);
        });
      default:
        return place satisfies never;
    }
  }

  /** What was committed since, if anything was. */
  async #advance(chain: Chain, target: DatabaseTarget, most: number, deadlineMs: number): Promise<Given> {
    const { timeMachine, numbers, sizes = usualSizes } = this.#deps;
    await timeMachine.settle(target, deadlineMs);
    const part = { skip: 0, most };
    const { patch, ...changed } = await timeMachine.changedPages(
      target,
      at(chain.head),
      { head: true },
      part,
      deadlineMs,
    );
    checkFollowed(changed.state);
    const { from, to, pages } = changed;
    if (to.number === from.number) return { generation: chain.newest.number };
    if (chain.length >= sizes.advances) throw new ApiError('TOO_OLD', 'the chain is long enough');
    if (pages === 0 && to.databasePages !== from.databasePages) throw new ApiError('ARCHIVE_GAP', 'no page says it');
    if (chain.newest.frames >= sizes.framesOfGeneration) chain.begin(await numbers.next());
    else {
      chain.add(changed);
      if (pages > 0) return { frames: framesOf(patch, changed, 0), isNew: true };
    }
    return { generation: chain.newest.number };
  }

  async #framesOf(
    advance: Advance,
    target: DatabaseTarget,
    skip: number,
    most: number,
    deadlineMs: number,
  ): Promise<Buffer> {
    const { from, to } = advance;
    const part = { skip, most };
    const { timeMachine } = this.#deps;
    const { patch, ...now } = await timeMachine.changedPages(target, at(from), at(to), part, deadlineMs);
    if (now.pages !== advance.pages || now.digest !== advance.digest) {
      throw new ApiError('TOO_OLD', 'the history was thinned');
    }
    return framesOf(patch, advance, skip);
  }

  #imageFrames(
    { image }: Chain,
    target: DatabaseTarget,
    skip: number,
    most: number,
    deadlineMs: number,
  ): Promise<Buffer> {
    const { bookmark, databasePages } = image.moment;
    return this.#deps.timeMachine.withState(target, { bookmark }, deadlineMs, async ({ path }) => {
      const count = Math.min(most, image.frames - skip);
      const frames = Buffer.alloc(count * frameBytes);
      const content = Buffer.alloc(pageBytes);
      const file = await open(path, 'r');
      try {
        for (let index = 0; index < count; index++) {
          const page = skip + index + 1 < lockPage ? skip + index + 1 : skip + index + 2;
          await file.read(content, 0, pageBytes, (page - 1) * pageBytes);
          putFrame(frames, index, page, content);
        }
      } finally {
        await file.close();
      }
      if (skip + count === image.frames) endTransaction(frames, databasePages);
      return frames;
    });
  }

  async #forget(target: DatabaseTarget, chain: Chain): Promise<void> {
    await this.#alone(target, async (kept) => {
      if (kept.chain !== chain) return;
      kept.before = chain;
      kept.chain = undefined;
    });
  }

  async #chainOf(kept: Kept, target: DatabaseTarget, deadlineMs: number): Promise<Chain> {
    kept.chain ??= await this.#begin(target, deadlineMs);
    return kept.chain;
  }

  async #begin(target: DatabaseTarget, deadlineMs: number): Promise<Chain> {
    const { timeMachine, numbers } = this.#deps;
    const head = await this.#head(target, deadlineMs);
    if (head.pageBytes !== pageBytes) {
      const text = `the database has pages of ${head.pageBytes} bytes: copies have ${pageBytes}`;
      throw new ApiError('CONFLICT', `${text}; PRAGMA page_size=${pageBytes} and VACUUM change that`);
    }
    const none = { skip: 0, most: 0 };
    checkFollowed((await timeMachine.changedPages(target, at(head), at(head), none, deadlineMs)).state);
    const image = await numbers.next();
    return new Chain(image, await numbers.next(), head);
  }

  async #head(target: DatabaseTarget, deadlineMs: number): Promise<Moment> {
    const { timeMachine } = this.#deps;
    const giveUpMs = Math.min(deadlineMs, performance.now() + firstCopyMs);
    await timeMachine.settle(target, deadlineMs).catch((error) => {
      throw withCondition(error);
    });
    for (;;) {
      try {
        return await timeMachine.resolve(target, { head: true }, deadlineMs);
      } catch (error) {
        const isMaking = error instanceof ApiError && error.code === 'NOT_ARCHIVED';
        if (!isMaking || performance.now() > giveUpMs) throw error;
      }
      await sleep(firstCopyLookMs);
      await timeMachine.settle(target, deadlineMs);
    }
  }

  /** One after the other for each database: numbers are given in the order of the commits. */
  #alone<Result>({ path }: DatabaseTarget, work: (kept: Kept) => Promise<Result>): Promise<Result> {
    const kept = this.#kept.get(path) ?? { chain: undefined, before: undefined, last: Promise.resolve() };
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostChains && oldest !== undefined) this.#kept.delete(oldest);
    const done = kept.last.then(() => work(kept));
    kept.last = done.catch(() => {});
    return done;
  }
}

function framesOf(patch: Buffer, { to, pages }: Advance, skip: number): Buffer {
  const frames = framesOfPatch(patch);
  if (skip + frames.length / frameBytes === pages) endTransaction(frames, to.databasePages);
  return frames;
}

function at({ bookmark }: Moment): { readonly bookmark: string } {
  return { bookmark };
}

function withCondition(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.code !== 'NOT_ARCHIVED') return error;
  const condition = 'a database can be copied while its commits are kept, as they are in WAL mode';
  return new ApiError('NOT_ARCHIVED', `${error.message}; ${condition}`, { cause: error });
}

function checkFollowed(state: string | null): void {
  if (state !== 'off' && state !== null) return;
  throw new ApiError('NOT_ARCHIVED', 'the commits of the database are not kept now, which copies need');
}

function isBreak(error: unknown): boolean {
  return error instanceof ApiError && breaks.has(error.code);
}

function beginsAnew(): ApiError {
  return new ApiError('CONFLICT', 'the history behind this copy was dropped while it was read; sync again');
}
