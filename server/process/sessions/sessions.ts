// Transactions that clients keep open between requests. A session has an executor and a connection of its own while it
// lasts, and no longer: it begins with the request that leaves a transaction open, and ends with the one that closes
// it. A client that is silent loses it, sooner where somebody waits.
import { ApiError } from '../../messages/errors.ts';
import { mayNeedWriter } from '../../messages/hand-back.ts';
import { limits } from '../../messages/limits.ts';
import type { OpenMode } from '../../messages/operation.ts';
import { libsql, type SessionAnswer, type SessionArgs, type StreamArgs } from '../../messages/operations/libsql.ts';
import type { Executor } from '../scheduler/executor.ts';
import { Batons } from './batons.ts';
import { Crew, type CrewDeps } from './crew.ts';
import { EndedSessions } from './ended-sessions.ts';
import { Patience, type PatienceDeps } from './patience.ts';
import { type Place, Places } from './places.ts';
import { type Beginning, beginningOf, type Ended, errorOf, type Session, textOf } from './session.ts';
import { StoredTexts } from './stored-texts.ts';
import { turn } from './turn.ts';

export interface SessionsDeps extends Omit<CrewDeps, 'onLost' | 'lockWaiters'>, Omit<PatienceDeps, 'places'> {
  readonly isFenced: (path: string) => boolean;
}

export interface SessionRequest {
  readonly path: string;
  readonly args: StreamArgs;
  readonly create: boolean;
  readonly deadlineMs: number;
  readonly isGone: () => boolean;
}

export interface SessionReply extends SessionAnswer {
  /** null: no transaction is open. */
  readonly baton: string | null;
}

const leftAlone: Ended = { code: 'STREAM_EXPIRED', text: 'the transaction has ended' };

export class Sessions {
  readonly texts = new StoredTexts();
  readonly #deps: SessionsDeps;
  readonly #crew: Crew;
  readonly #places = new Places();
  readonly #batons = new Batons();
  readonly #sessions = new Map<number, Session>();
  readonly #ended = new EndedSessions();
  readonly #patience: Patience;
  /** Databases whose file is worked on. */
  readonly #closed = new Map<string, number>();
  readonly #watch: NodeJS.Timeout;
  #nextId = 1;
  #isWatching = false;
  #isStopped = false;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.#crew = new Crew({
      ...deps,
      lockWaiters: async (path) => (await deps.lockWaits(path)).map(({ pid }) => pid),
      onLost: (executor) => this.#onLost(executor),
    });
    this.#patience = new Patience({ ...deps, places: this.#places });
    this.#watch = setInterval(() => void this.#look(), limits.sessionCheckMs);
    this.#watch.unref();
  }

  get executorPids(): number[] {
    return this.#crew.pids;
  }

  /** Transactions that are open. */
  get count(): number {
    return this.#sessions.size;
  }

  /** A request that leaves its transaction open. @throws ApiError */
  async begin(request: SessionRequest): Promise<SessionReply> {
    this.#refuse(request.path);
    for (let beginning: Beginning | null = beginningOf(request.args); ; ) {
      const reply: SessionReply | Beginning = await this.#tryToBegin(request, beginning);
      if ('baton' in reply) return reply;
      beginning = reply;
    }
  }

  /** A request with the baton of the one before. @throws ApiError STREAM_EXPIRED, TRANSACTION_TIMEOUT, others */
  async goOn(text: string, request: SessionRequest): Promise<SessionReply> {
    const session = this.#find(text, request);
    session.idleSinceMs = null;
    session.sequence += 1;
    try {
      const answer = await this.#runOn(session, request);
      if (session.ending !== null) throw errorOf(session.ending);
      if (!answer.isAutocommit) return this.#leaveOpen(session, answer);
      await this.#end(session, leftAlone);
      return { ...answer, baton: null };
    } catch (error) {
      const ended = session.ending;
      await this.#end(session, ended ?? { code: 'STREAM_EXPIRED', text: textOf(error) });
      throw ended === null ? error : errorOf(ended);
    }
  }

  /** Rolls back what the baton stands for. */
  async abandon(text: string): Promise<void> {
    const baton = this.#batons.read(text);
    const session = baton === 'foreign' ? undefined : this.#sessions.get(baton.id);
    if (session?.idleSinceMs != null) await this.#end(session, leftAlone);
  }

  /** Ends the sessions of a database and lets none begin, until the function that it resolves with is called. */
  async makeWay(path: string, why: string): Promise<() => void> {
    this.#closed.set(path, (this.#closed.get(path) ?? 0) + 1);
    const ended: Ended = { code: 'STREAM_EXPIRED', text: `the transaction was rolled back: ${why}` };
    const ours = [...this.#sessions.values()].filter(({ place }) => place.path === path);
    await Promise.all(ours.map((session) => this.#endSoon(session, ended)));
    return () => {
      const left = (this.#closed.get(path) ?? 1) - 1;
      if (left > 0) this.#closed.set(path, left);
      else this.#closed.delete(path);
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#watch);
    await this.#crew.stop();
  }

  /** @returns how to begin instead, where nothing has run */
  async #tryToBegin(request: SessionRequest, beginning: Beginning): Promise<SessionReply | Beginning> {
    const place = await turn(request, (give) => this.#places.ask(request.path, beginning.writes, give));
    let executor: Executor | undefined;
    let session: Session | undefined;
    try {
      executor = await this.#crew.take();
      this.#refuse(request.path);
      session = this.#add(place, executor, request);
      const writing = beginning.writes ? 'yes' : 'ask';
      const answer = await this.#run(session, request, { isFirst: true, writing, mode: beginning.mode });
      if (session.ending !== null) throw errorOf(session.ending);
      if ('needs' in answer) {
        await this.#forget(session);
        return { mode: 'write', writes: true };
      }
      if (!answer.isAutocommit) return this.#leaveOpen(session, answer);
      await this.#forget(session);
      return { ...answer, baton: null };
    } catch (error) {
      const ended = session?.ending ?? null;
      if (session !== undefined) await this.#forget(session);
      else if (executor !== undefined) await this.#crew.release(executor, request.path);
      this.#places.leave(place);
      const isHandedBack = error instanceof ApiError && mayNeedWriter(error.code) && beginning.mode === 'read';
      if (isHandedBack && ended === null) return { mode: 'write', writes: beginning.writes };
      throw ended === null ? error : errorOf(ended);
    }
  }

  #add(place: Place, executor: Executor, { args }: SessionRequest): Session {
    const session: Session = {
      id: this.#nextId,
      place,
      executor,
      readOnly: args.readOnly,
      beganMs: performance.now(),
      sequence: 1,
      idleSinceMs: null,
      ending: null,
    };
    this.#nextId += 1;
    this.#sessions.set(session.id, session);
    return session;
  }

  async #runOn(session: Session, request: SessionRequest): Promise<SessionAnswer> {
    const mode = session.executor.open.get(session.place.path) ?? 'write';
    const writing = session.place.writes ? 'yes' : 'ask';
    const answer = await this.#run(session, request, { isFirst: false, writing, mode });
    if (!('needs' in answer)) return answer;
    const isWriter = this.#places.upgrade(session.place);
    // What it has seen may be old when another one has written: only one that has seen nothing waits for its turn.
    if (!isWriter && !answer.hasRead) {
      await turn(request, (give) => this.#places.askToWrite(session.place, give));
    }
    const again = await this.#run(session, request, {
      isFirst: false,
      writing: session.place.writes ? 'yes' : 'refuse',
      mode,
    });
    if ('needs' in again) throw new ApiError('INTERNAL_ERROR', 'internal error');
    return again;
  }

  async #run(
    session: Session,
    { args, ...request }: SessionRequest,
    { isFirst, writing, mode }: Pick<SessionArgs, 'isFirst' | 'writing'> & { readonly mode: OpenMode },
  ) {
    const { executor, place } = session;
    const asked = { path: place.path, mode, create: request.create && isFirst, deadlineMs: request.deadlineMs };
    const answer = await this.#crew.run(
      executor,
      libsql.session,
      { ...args, isFirst, writing },
      { ...asked, isGone: request.isGone },
    );
    if (answer !== null) return answer;
    throw new ApiError('SERVICE_UNAVAILABLE', 'the transaction was committed, but its answer is lost');
  }

  #leaveOpen(session: Session, answer: SessionAnswer): SessionReply {
    session.idleSinceMs = performance.now();
    return { ...answer, baton: this.#batons.write(session) };
  }

  #find(text: string, { path, args }: SessionRequest): Session {
    const baton = this.#batons.read(text);
    if (baton === 'foreign') {
      const why = 'the baton is not known; a server that has been restarted has rolled its transactions back';
      throw new ApiError('STREAM_EXPIRED', why);
    }
    const session = this.#sessions.get(baton.id);
    const isOurs = session?.place.path === path && session.readOnly === args.readOnly;
    if (session !== undefined && isOurs) {
      if (session.ending !== null) throw errorOf(session.ending);
      if (session.idleSinceMs !== null && session.sequence === baton.sequence) return session;
      throw new ApiError('STREAM_EXPIRED', 'the baton was used before: each answer has the baton of the next request');
    }
    throw errorOf(this.#ended.of(baton.id) ?? leftAlone);
  }

  #refuse(path: string): void {
    if (this.#isStopped) throw new ApiError('SERVICE_UNAVAILABLE', 'the server is stopping');
    if (this.#closed.has(path)) throw new ApiError('DATABASE_BUSY', 'the file of the database is worked on; try again');
    if (!this.#deps.isFenced(path)) return;
    const reason = 'a program has the database open through a mount that has died; it must close it first';
    throw new ApiError('DATABASE_BUSY', reason);
  }

  /** Now, or when it has finished what it is at work on, or when there is no more patience with that. */
  async #endSoon(session: Session, ended: Ended): Promise<void> {
    if (session.idleSinceMs !== null) return await this.#end(session, ended);
    session.ending = ended;
    const timer = setTimeout(() => session.executor.kill(), limits.sessionEndMs);
    while (this.#sessions.has(session.id)) await new Promise((resolve) => setTimeout(resolve, 20));
    clearTimeout(timer);
  }

  async #end(session: Session, ended: Ended): Promise<void> {
    if (!this.#sessions.has(session.id)) return;
    // Whoever comes back while it ends hears the same reason.
    session.ending ??= ended;
    this.#ended.remember(session.id, ended);
    await this.#forget(session);
  }

  /** The place is free for the next one when the locks are. */
  async #forget(session: Session): Promise<void> {
    session.ending ??= leftAlone;
    session.idleSinceMs = null;
    await this.#crew.release(session.executor, session.place.path);
    this.#sessions.delete(session.id);
    this.#places.leave(session.place);
  }

  /** Of one that is at work, its request hears of it. */
  #onLost(executor: Executor): void {
    for (const session of this.#sessions.values()) {
      if (session.executor !== executor || session.idleSinceMs === null) continue;
      void this.#end(session, {
        code: 'STREAM_EXPIRED',
        text: 'the transaction was rolled back: its process has died',
      });
    }
  }

  async #look(): Promise<void> {
    this.#ended.forgetOld();
    if (this.#isWatching) return;
    this.#isWatching = true;
    try {
      for (const { session, text } of await this.#patience.overdue([...this.#sessions.values()])) {
        // Its client may just have come back.
        if (session.idleSinceMs !== null) void this.#end(session, { code: 'TRANSACTION_TIMEOUT', text });
      }
    } finally {
      this.#isWatching = false;
    }
  }
}
