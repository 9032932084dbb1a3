// Who may call: the Host must be known (a web page of another site may point its own name at this machine), a foreign
// Origin is refused, and with a token file every request but health carries a bearer token.
import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError } from '../../messages/errors.ts';
import type { Access } from './access.ts';
import type { Route } from './route.ts';
import { digestOf, type Token } from './tokens.ts';

export interface GuardOptions {
  readonly corsOrigins: readonly string[];
  readonly allowHosts: readonly string[];
  /** null: no tokens, and the Authorization header is ignored. */
  readonly tokens: readonly Token[] | null;
}

export class Guard {
  readonly #options: GuardOptions;
  /** Host headers that were accepted: a browser sends the same one every time. Bounded. */
  readonly #knownHosts = new Set<string>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** @throws ApiError FORBIDDEN */
  checkHost(host: string | undefined): void {
    // HTTP/1.0 and Unix socket clients may send none; no web page can cause that.
    if (host === undefined || this.#knownHosts.has(host)) return;
    if (!isKnownHost(host, this.#options.allowHosts)) {
      throw new ApiError('FORBIDDEN', `unknown host ${JSON.stringify(host)}: start with --allow-host to accept it`);
    }
    if (this.#knownHosts.size < 100) this.#knownHosts.add(host);
  }

  /**
   * The value of Access-Control-Allow-Origin for this request, or null for none.
   * @throws ApiError FORBIDDEN for a foreign origin
   */
  checkOrigin(origin: string | undefined, host: string | undefined): string | null {
    if (origin === undefined) return null;
    if (this.#options.corsOrigins.includes('*')) return '*';
    if (this.#options.corsOrigins.includes(origin) || isSameOrigin(origin, host)) return origin;
    throw new ApiError('FORBIDDEN', `requests from pages of ${origin} are not allowed: start with --cors-origin`);
  }

  /**
   * What the caller may do.
   * @throws ApiError UNAUTHORIZED, FORBIDDEN for a read token on a writing route
   */
  checkToken(authorization: string | undefined, route: Pick<Route, 'access'>): Access {
    const { tokens } = this.#options;
    if (tokens === null) return 'full';
    if (route.access === 'open') return 'read';
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) throw new ApiError('UNAUTHORIZED', 'this server needs Authorization: Bearer TOKEN');
    const digest = digestOf(given);
    let access: Access | undefined;
    for (const token of tokens) if (timingSafeEqual(token.digest, digest)) access = token.access;
    if (access === undefined) throw new ApiError('UNAUTHORIZED', 'the bearer token is not known');
    if (access === 'read' && route.access === 'write') throw new ApiError('FORBIDDEN', 'this token may only read');
    return access;
  }
}

/** localhost and IP literals cannot be pointed elsewhere by a foreign name server; other names must be allowed. */
function isKnownHost(host: string, allowed: readonly string[]): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  const address = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  if (name === '' || name === 'localhost' || name.endsWith('.localhost') || isIP(address) !== 0) return true;
  return allowed.some((entry) => entry === '*' || entry.toLowerCase() === name || entry.toLowerCase() === host);
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
