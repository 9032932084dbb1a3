// One request after the other: decode, dispatch, encode, write. Knows no threads and no waiting; loop.ts brings the bytes.
// A malformed request or a handler that throws costs one caller an error, never the session.
import { constants } from 'node:os';
import type { Log } from '../log.ts';
import { maxStackDepth } from '../nodes/passthrough.ts';
import { EBADF, EIO, ENOSYS, ESTALE, SILENT, type Tree } from '../nodes/tree.ts';
import { decodeRequest } from '../protocol/decode.ts';
import { encodeHeader, encodeInit } from '../protocol/encode.ts';
import { init2 } from '../protocol/flags.ts';
import { inHeader, outHeader } from '../protocol/layouts.ts';
import { opcodeNames } from '../protocol/opcodes.ts';
import type { Header, Request, RequestOf, Unique } from '../protocol/requests.ts';
import { dispatch } from './dispatch.ts';
import { answerInit, maxWriteBytes } from './handshake.ts';
import type { LockService } from './lock-service.ts';

const headerBytes = outHeader.sizeBytes;

export interface SessionParts {
  readonly tree: Tree;
  readonly log: Log;
  /** Sends one reply: the first `sizeBytes` of `bytes`, which are reused afterwards. */
  readonly write: (bytes: Buffer, sizeBytes: number) => void;
  readonly wantsPassthrough: boolean;
  /** After INIT was answered; `passthrough` is whether kernel and program agreed on it. */
  readonly initialized: (passthrough: boolean) => void;
  readonly locks?: LockService;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #reply = Buffer.alloc(headerBytes + maxWriteBytes);
  readonly #out = this.#reply.subarray(headerBytes);
  /** Index: opcode. */
  readonly #counts: number[] = new Array(opcodeNames.length).fill(0);

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Requests received, by kernel name; absent means none. */
  get requests(): Record<string, number> {
    return Object.fromEntries(
      this.#counts.flatMap((count, opcode) => (count > 0 ? [[opcodeNames[opcode] ?? `${opcode}`, count]] : [])),
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
    if (opcode < this.#counts.length) this.#counts[opcode] = (this.#counts[opcode] ?? 0) + 1;
    if (request.op === 'refused') {
      this.#send(request.unique, false, -request.errno);
      return;
    }
    const result = this.#handle(request);
    if (result !== SILENT) this.#send(request.unique, request.isResent, result);
    if (request.op === 'INIT' && result > 0) this.#initialized(request);
  }

  /** Answers a request for which SILENT was returned, with an empty payload (0) or a negative errno. */
  answer(asked: Pick<Header, 'unique' | 'isResent'>, result: number): void {
    this.#send(asked.unique, asked.isResent, Math.min(result, 0));
  }

  #handle(request: Request): number {
    try {
      return this.#route(request);
    } catch (error) {
      this.#parts.log('error', 'handler-failed', {
        op: request.op,
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
        if (handle !== undefined) locks?.released(handle, request);
        return dispatch(tree, request, this.#out);
      }
      default:
        return dispatch(tree, request, this.#out);
    }
  }

  #lock(request: RequestOf<'GETLK'> | RequestOf<'SETLK'> | RequestOf<'SETLKW'>): number {
    const { tree, locks } = this.#parts;
    const node = tree.nodes.get(request.nodeId);
    if (locks === undefined) return -ENOSYS;
    if (node === undefined) return -ESTALE;
    return request.op === 'GETLK' ? locks.test(node, request, this.#out) : locks.set(node, request);
  }

  #init(offer: RequestOf<'INIT'>): number {
    const { wantsPassthrough, locks } = this.#parts;
    const answer = answerInit(offer, { passthrough: wantsPassthrough, locks: locks !== undefined, maxStackDepth });
    if (answer !== undefined) return encodeInit(this.#out, answer);
    this.#parts.log('error', 'protocol-refused', { major: offer.major, minor: offer.minor, need: '7.31 (kernel 5.4)' });
    return -constants.errno.EPROTO;
  }

  #initialized(offer: RequestOf<'INIT'>): void {
    this.#parts.initialized(this.#parts.wantsPassthrough && (offer.flags2 & init2.PASSTHROUGH) !== 0);
  }

  #send(unique: Unique, isResent: boolean, result: number): void {
    const sizeBytes = headerBytes + Math.max(result, 0);
    encodeHeader(this.#reply, sizeBytes, result < 0 ? -result : 0, unique, isResent);
    this.#parts.write(this.#reply, sizeBytes);
  }
}
