// What a handler knows of its request: decoded query, key, deadline, client. Made once per request, past all checks.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { readBody } from './body.ts';
import type { Query } from './query.ts';
import type { TransitBudget } from './transit-budget.ts';

export class RequestContext {
  readonly query: Query;
  /** The decoded `{key}` of the path; '' for routes without one. */
  readonly key: string;
  readonly request: IncomingMessage;
  /** `performance.now()` at which the answer is due. */
  readonly deadlineMs: number;
  readonly clientIp: string;
  readonly #maxBodyBytes: number;
  readonly #budget: TransitBudget;

  constructor(parts: {
    readonly query: Query;
    readonly key: string;
    readonly request: IncomingMessage;
    readonly clientIp: string;
    readonly maxBodyBytes: number;
    readonly budget: TransitBudget;
  }) {
    this.query = parts.query;
    this.key = parts.key;
    this.request = parts.request;
    this.clientIp = parts.clientIp;
    this.#maxBodyBytes = parts.maxBodyBytes;
    this.#budget = parts.budget;
    this.deadlineMs = performance.now() + timeoutSeconds(parts.query.raw('timeout')) * 1000;
  }

  /** The client has closed its connection: nobody waits for the answer. */
  readonly isGone = (): boolean => this.request.socket.destroyed;

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** The whole request body. Rejects with PAYLOAD_TOO_LARGE beyond the configured limit. Call it once. */
  body(): Promise<Buffer> {
    return readBody(this.request, this.#maxBodyBytes, this.#budget);
  }

  /** The same request with a deadline counted from now: for answers that go on, such as streams. */
  renewed(): RequestContext {
    const { query, key, request, clientIp } = this;
    const parts = { query, key, request, clientIp, maxBodyBytes: this.#maxBodyBytes, budget: this.#budget };
    return new RequestContext(parts);
  }

  /** The `create_db_if_missing` / `auto_create` pair; `fallback` (the server's --create-on-write) where neither was sent. */
  createIfMissing(fallback: boolean): boolean {
    const long = this.query.optionalBoolean('create_db_if_missing');
    const short = this.query.optionalBoolean('auto_create');
    if (long !== undefined && short !== undefined && long !== short) {
      throw new ApiError('INVALID_PARAMETERS', 'conflicting flags: create_db_if_missing and auto_create must match');
    }
    return long ?? short ?? fallback;
  }
}

/** A malformed value is ignored, an integer is clamped: clients of the service rely on both. */
function timeoutSeconds(text: string | undefined): number {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return limits.deadlineDefaultSeconds;
  return Math.min(Math.max(Number(text), 1), limits.deadlineMaxSeconds);
}
