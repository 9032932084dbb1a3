// What a handler knows of its request: decoded query, key, deadline, client. Made once per request, past all checks.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { WriteBookmarks } from '../../messages/bookmark.ts';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { Access } from './access.ts';
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
  /** What the caller's token allows: `full` where no tokens are asked for, `read` where none was looked at. */
  readonly access: Access;
  /** Of what was committed for it, where commits are kept. */
  bookmarks: WriteBookmarks | undefined;
  readonly #maxBodyBytes: number;
  readonly #budget: TransitBudget;

  constructor(parts: {
    readonly query: Query;
    readonly key: string;
    readonly request: IncomingMessage;
    readonly clientIp: string;
    readonly access: Access;
    readonly maxBodyBytes: number;
    readonly budget: TransitBudget;
    /** At most so long, whatever `timeout` says. */
    readonly mostSeconds?: number;
  }) {
    this.query = parts.query;
    this.key = parts.key;
    this.request = parts.request;
    this.clientIp = parts.clientIp;
    this.access = parts.access;
    this.#maxBodyBytes = parts.maxBodyBytes;
    this.#budget = parts.budget;
    const seconds = timeoutSeconds(parts.query.raw('timeout'));
    this.deadlineMs = performance.now() + Math.min(seconds, parts.mostSeconds ?? seconds) * 1000;
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
    return this.within(limits.deadlineMaxSeconds);
  }

  /** As `renewed`, with a deadline in at most so many seconds: for a step that is given up before the request is. */
  within(mostSeconds: number): RequestContext {
    const { query, key, request, clientIp, access } = this;
    const parts = { query, key, request, clientIp, access, mostSeconds };
    return new RequestContext({ ...parts, maxBodyBytes: this.#maxBodyBytes, budget: this.#budget });
  }

  /**
   * The `create_db_if_missing` / `auto_create` pair; `fallback` (the server's --create-on-write) where neither was
   * sent.
   */
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
