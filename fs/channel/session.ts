// One request after the other: decode, dispatch, encode, write. Knows no threads and no waiting; loop.ts brings the
// bytes. A malformed request or a handler that throws costs one caller an error, never the session.
import type { Log } from '../log.ts';
import { createFile, type Opened, openFile } from '../nodes/files.ts';
import { maxStackDepth } from '../nodes/passthrough.ts';
import type { Tree } from '../nodes/tree.ts';
import { decodeRequest } from '../protocol/decode.ts';
import { encodeHeader, encodeInit } from '../protocol/encode.ts';
import { init, init2 } from '../protocol/flags.ts';
import { inHeader, outHeader } from '../protocol/layouts.ts';
import { opcodeNames, opcodes } from '../protocol/opcodes.ts';
import type { Owed, Request, RequestOf, Unique } from '../protocol/requests.ts';
import { ANSWERED, EBADF, EIO, ENOLCK, ENOSYS, EPROTO, ESTALE, SILENT } from '../protocol/results.ts';
import type { Agreement, KeptState } from '../state/kept-state.ts';
import { type Dispatch, dispatch } from './dispatch.ts';
import { answerInit, maxWriteBytes } from './handshake.ts';
import type { LockService } from './lock-service.ts';
import { isForgetting, Repeats } from './repeats.ts';

const headerBytes = outHeader.sizeBytes;
/**
 * A request in which so many processes have died is refused: it would end one after the other, and nobody would be
 * served.
 */
const mostDeaths = 2;

export interface SessionParts {
  readonly tree: Tree;
  readonly log: Log;
  /** Sends one reply: the first `sizeBytes` of `bytes`, which are reused afterwards. */
  readonly write: (bytes: Buffer, sizeBytes: number) => void;
  readonly wantsPassthrough: boolean;
  /** After INIT was answered; `passthrough` is whether kernel and program agreed on it. */
  readonly initialized: (passthrough: boolean) => void;
  readonly keptState: KeptState;
  readonly locks?: LockService;
  /** Default: dispatch. A test puts a power cut around it. */
  readonly dispatch?: Dispatch;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #dispatch: Dispatch;
  readonly #reply = Buffer.alloc(headerBytes + maxWriteBytes);
  readonly #out = this.#reply.subarray(headerBytes);
  /** Requests that were asked again after a take-over and have to wait until all of them are there. */
  #repeats: Repeats | undefined;
  /** The request whose wait is taken back, since a successor could not know of it. */
  #unstored: Unique | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#dispatch = parts.dispatch ?? dispatch;
  }

  /** In a successor, before the first request: INIT was answered long ago, and what was not answered is asked again. */
  resume(agreement: Agreement): void {
    this.#repeats = new Repeats(this.#parts.keptState.waiters);
    this.#parts.initialized(agreement.passthrough);
  }

  /** True until everything was served that the kernel has asked again: see endOfRepeats. */
  get isResuming(): boolean {
    return this.#repeats !== undefined;
  }

  /**
   * No more repeated requests are there: those for locks are served now, in the order in which they were asked at
   * first.
   */
  endOfRepeats(): void {
    const repeats = this.#repeats;
    this.#repeats = undefined;
    if (repeats === undefined) return;
    for (const request of repeats.inOrder()) this.#serve(request);
    this.#parts.keptState.operation.forgetInterrupted();
  }

  /** Requests received, by kernel name; absent means none. */
  get requests(): Record<string, number> {
    const counts = [...this.#parts.keptState.requestCounts];
    return Object.fromEntries(
      counts.flatMap((count, opcode) => (count > 0 ? [[opcodeNames[opcode] ?? `${opcode}`, count]] : [])),
    );
  }

  /** Serves the request in the first `length` bytes, which are the caller's again afterwards. */
  serve(bytes: Buffer, length: number): void {
    const request = decodeRequest(bytes, length);
    if (request.op === 'garbage') {
      this.#parts.log('error', 'request-garbage', { length });
      return;
    }
    const opcode = bytes.readUInt32LE(inHeader.opcode);
    const { requestCounts } = this.#parts.keptState;
    if (opcode < opcodeNames.length) requestCounts[opcode] = (requestCounts[opcode] ?? 0) + 1;
    if (request.op === 'refused') {
      this.#send(request.unique, request.isResent, -request.errno);
      return;
    }
    if (this.#repeats !== undefined) {
      if (this.#repeats.hold(request)) return;
      if (!request.isResent && !isForgetting(request)) this.endOfRepeats();
    }
    this.#serve(request);
  }

  #serve(request: Request): void {
    const { operation } = this.#parts.keptState;
    const deaths = operation.begin(request.unique, request.isResent, opcodes[request.op]);
    const result = deaths < mostDeaths ? this.#handle(request) : this.#giveUp(request, deaths);
    if (result !== SILENT && result !== ANSWERED) this.#send(request.unique, request.isResent, result);
    if (request.op === 'INIT' && result > 0) this.#initialized();
    operation.end();
  }

  /** Once more, since it could not be served before: see Tree.postponed. */
  serveAgain(request: Request): void {
    this.#serve(request);
  }

  /** Answers a request for which SILENT was returned, with an empty payload (0) or a negative errno. */
  answer(asked: Owed, result: number): void {
    this.#parts.keptState.waiters.remove(asked.unique);
    this.#send(asked.unique, asked.isResent, asked.unique === this.#unstored ? -ENOLCK : Math.min(result, 0));
  }

  #giveUp(request: Request, deaths: number): number {
    const { op, nodeId, pid } = request;
    const effect = 'its caller gets EIO';
    this.#parts.log('error', 'request-given-up', { op, nodeId, pid, processesLost: deaths, effect });
    if (deaths === mostDeaths) this.#guarded(op, () => this.#giveBack(request));
    return isForgetting(request) || request.op === 'INTERRUPT' ? SILENT : -EIO;
  }

  /**
   * Nobody closes a file a second time: what a given-up close would give back would stay until the mount ends. The
   * handle goes first. Should this process die here as well, its successor has no such handle, and so forgets the locks
   * that were asked through it.
   */
  #giveBack(request: Request): number {
    const { tree, locks } = this.#parts;
    if (request.op !== 'RELEASE' && request.op !== 'FLUSH') return 0;
    const handle = tree.files.get(request.fh);
    if (handle === undefined) return 0;
    if (request.op === 'FLUSH') {
      locks?.flushed(handle.node, request);
      return 0;
    }
    this.#dispatch(tree, request, this.#out);
    locks?.released(handle);
    return 0;
  }

  /** Answers a request for which SILENT was returned with what `finish` writes and returns, as a handler does. */
  finish({ unique, isResent }: Owed, finish: (out: Buffer) => number): void {
    this.#send(
      unique,
      isResent,
      this.#guarded('errand', () => finish(this.#out)),
    );
  }

  #handle(request: Request): number {
    return this.#guarded(request.op, () => this.#route(request));
  }

  #guarded(op: string, handle: () => number): number {
    try {
      return handle();
    } catch (error) {
      this.#parts.log('error', 'handler-failed', {
        op,
        error: error instanceof Error ? error.stack : error,
      });
      return -EIO;
    }
  }

  #route(request: Request): number {
    const { tree, locks } = this.#parts;
    switch (request.op) {
      case 'INIT':
        return this.#init(request);
      case 'GETLK':
      case 'SETLK':
      case 'SETLKW':
        return this.#lock(request);
      case 'FLUSH': {
        // Nothing is buffered here. Without this answer every close() would cost a request.
        if (locks === undefined) return -ENOSYS;
        const handle = tree.files.get(request.fh);
        if (handle === undefined) return -EBADF;
        locks.flushed(handle.node, request);
        return 0;
      }
      case 'INTERRUPT':
        locks?.interrupt(request.target);
        return SILENT;
      case 'DESTROY':
        return 0;
      case 'RELEASE': {
        const handle = tree.files.get(request.fh);
        if (handle !== undefined) locks?.released(handle);
        return this.#dispatch(tree, request, this.#out);
      }
      case 'OPEN':
        return this.#opened(openFile(tree, request, this.#out));
      case 'CREATE':
        return this.#opened(createFile(tree, request, this.#out));
      default:
        return this.#dispatch(tree, request, this.#out);
    }
  }

  #opened(opened: Opened | number): number {
    if (typeof opened === 'number') return opened;
    this.#parts.locks?.opened(opened.handle);
    return opened.sizeBytes;
  }

  #lock(request: RequestOf<'GETLK'> | RequestOf<'SETLK'> | RequestOf<'SETLKW'>): number {
    const { tree, locks } = this.#parts;
    const node = tree.nodes.get(request.nodeId);
    if (locks === undefined) return -ENOSYS;
    if (node === undefined) return -ESTALE;
    if (request.op === 'GETLK') return locks.test(node, request, this.#out);
    const result = locks.set(node, request, () => this.#send(request.unique, request.isResent, 0));
    const { waiters, full } = this.#parts.keptState;
    if (result !== SILENT) {
      if (result === -ENOLCK) full.refused('locks');
      if (request.isResent) waiters.remove(request.unique);
    } else if (!waiters.add(request.unique)) {
      full.refused('waiters');
      this.#unstored = request.unique;
      locks.interrupt(request.unique); // answers it
      this.#unstored = undefined;
    }
    return result;
  }

  #init(offer: RequestOf<'INIT'>): number {
    const { wantsPassthrough, locks } = this.#parts;
    const answer = answerInit(offer, { passthrough: wantsPassthrough, locks: locks !== undefined, maxStackDepth });
    if (answer !== undefined) {
      this.#parts.keptState.agreement = {
        passthrough: (answer.flags2 & init2.PASSTHROUGH) !== 0,
        locks: (answer.flags & init.POSIX_LOCKS) !== 0,
      };
      return encodeInit(this.#out, answer);
    }
    this.#parts.log('error', 'protocol-refused', { major: offer.major, minor: offer.minor, need: '7.31 (kernel 5.4)' });
    return -EPROTO;
  }

  #initialized(): void {
    this.#parts.initialized(this.#parts.keptState.agreement?.passthrough === true);
  }

  #send(unique: Unique, isResent: boolean, result: number): void {
    const sizeBytes = headerBytes + Math.max(result, 0);
    encodeHeader(this.#reply, sizeBytes, result < 0 ? -result : 0, unique, isResent);
    this.#parts.write(this.#reply, sizeBytes);
  }
}
