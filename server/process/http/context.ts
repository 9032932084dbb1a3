// What a handler knows of its request: decoded query, key, deadline, client. Made once per request, past all checks.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { WriteBookmarks } from '../../messages/bookmark.ts';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { Access } from './access.ts';
import { readBody, readGivenBody } from './body.ts';
import type { Query } from './query.ts';
import type { TransitBudget } from './transit-budget.ts';

export class RequestContext {
  readonly query: Query;
  /** The decoded `{key}` of the path; '' for routes without one. */
  readonly key: string;
  /** Of the slots behind the key, by their names. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly request: IncomingMessage;
  /** `performance.now()` at which the answer is due. */
  readonly deadlineMs: number;
  readonly clientIp: string;
  /** What the caller's token allows: `full` where no tokens are asked for, `read` where none was looked at. */
  readonly access: Access;
  /** Of what was committed for it, where commits are kept. */
  bookmarks: WriteBookmarks | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly #given: Buffer | undefined;
  readonly #maxBodyBytes: number;
  readonly #budget: TransitBudget;

  constructor(parts: {
    readonly query: Query;
    readonly key: string;
    readonly numbers?: Readonly<Record<string, number>>;
    readonly request: IncomingMessage;
    readonly clientIp: string;
    readonly access: Access;
    readonly maxBodyBytes: number;
    readonly budget: TransitBudget;
    /** At most so long, whatever `timeout` says. */
    readonly mostSeconds?: number;
    /** Instead of those of `request`. */
    readonly headers?: IncomingHttpHeaders;
    /** A body that is there already: nothing is read of `request`. */
    readonly body?: Buffer;
  }) {
    this.query = parts.query;
    this.key = parts.key;
    this.numbers = parts.numbers ?? {};
    this.request = parts.request;
    this.clientIp = parts.clientIp;
    this.access = parts.access;
    this.headers = parts.headers ?? parts.request.headers;
    this.#given = parts.body;
    this.#maxBodyBytes = parts.maxBodyBytes;
    this.#budget = parts.budget;
    const seconds = timeoutSeconds(parts.query.raw('timeout'));
    this.deadlineMs = performance.now() + Math.min(seconds, parts.mostSeconds ?? seconds) * 1000;
  }

  /** The client has closed its connection: nobody waits for the answer. */
  readonly isGone = (): boolean => this.request.socket.destroyed;

  /** The whole request body. Rejects with PAYLOAD_TOO_LARGE beyond the configured limit. Call it once. */
  body(): Promise<Buffer> {
    if (this.#given !== undefined) return readGivenBody(this.#given, this.#maxBodyBytes);
    return readBody(this.request, this.#maxBodyBytes, this.#budget);
  }

  /** The same request with a deadline counted from now: for answers that go on, such as streams. */
  renewed(): RequestContext {
    return this.within(limits.deadlineMaxSeconds);
  }

  /** Another request that the same client makes by this one, until the same deadline. */
  part(parts: {
    readonly query: Query;
    readonly key: string;
    readonly access: Access;
    readonly clientIp: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: Buffer;
  }): RequestContext {
    const mostSeconds = (this.deadlineMs - performance.now()) / 1000;
    const own = { request: this.request, maxBodyBytes: this.#maxBodyBytes, budget: this.#budget };
    return new RequestContext({ ...own, ...parts, mostSeconds });
  }

  /** As `renewed`, with a deadline in at most so many seconds: for a step that is given up before the request is. */
  within(mostSeconds: number): RequestContext {
    const { query, key, numbers, request, clientIp, access, headers } = this;
    const parts = { query, key, numbers, request, clientIp, access, headers, mostSeconds };
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
