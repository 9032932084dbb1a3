// Signed requests to one bucket, with time limits and new attempts. What an answer means is the caller's business.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { ShipError } from '../ship-error.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { explained, isErrorBody, isPassing, isStale, otherRegion, type Refusal, refusalOf } from './failures.ts';
import { escapedPath, escapedQuery } from './keys.ts';
import { bucketUrl, type Environment, type S3Location } from './location.ts';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** '' stands for the bucket. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** With more than one, an earlier one may have been obeyed, too: only its answer was lost. */
  readonly attempts: number;
}

export interface Patience {
  /** Without a sign of life that long, an attempt has failed. A body is given more time, by its size. */
  readonly silenceMs: number;
  readonly slowestBytesPerSecond: number;
  readonly attempts: number;
  /** The longest pause before the first attempt would be; it doubles with each one. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
}

export const defaultPatience: Patience = {
  silenceMs: 20_000,
  slowestBytesPerSecond: 64 * 1024,
  attempts: 4,
  pauseMs: 200,
  longestPauseMs: 5_000,
};

/** For somebody at a terminal. */
export const impatience: Patience = { ...defaultPatience, silenceMs: 5_000, attempts: 2 };

/** What a service may ask us to wait. */
const longestRetryAfterMs = 30_000;

export class S3Requests {
  readonly location: S3Location;
  readonly #environment: Environment;
  readonly #patience: Patience;
  /** Keys that are derived from the secret, one a day and region. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();
  #region: string;
  #credentials: Credentials | undefined;

  constructor(location: S3Location, environment: Environment, patience: Patience = defaultPatience) {
    this.location = location;
    this.#environment = environment;
    this.#patience = patience;
    this.#region = location.region;
  }

  /**
   * @param accepted statuses that the caller wants to see, beside those of success
   * @throws ShipError for every other answer, and where none has come after all attempts
   */
  async send(request: S3Request, accepted: readonly number[] = []): Promise<S3Answer> {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= this.#patience.attempts;
      const answer = await this.#attempt(request).catch((error: unknown) => {
        if (isLast || !(error instanceof ShipError) || error.code !== 'away') throw error;
      });
      if (answer === undefined) {
        await this.#pauseAfter(attempt);
        continue;
      }
      if (accepted.includes(answer.status) || isSuccess(answer)) return { ...answer, attempts: attempt };
      const refusal = refusalOf(request, answer, Date.now());
      const isWorthWaiting = isPassing(refusal);
      if (isLast || !(isWorthWaiting || (await this.#isMended(refusal)))) throw this.#explained(refusal);
      if (isWorthWaiting) await this.#pauseAfter(attempt, Number(answer.headers.get('retry-after')) * 1000 || 0);
    }
  }

  /**
   * At random, so that clients that have failed together do not come back together.
   * @param wantedMs what the service asks for
   */
  async #pauseAfter(attempt: number, wantedMs = 0): Promise<void> {
    const { pauseMs, longestPauseMs } = this.#patience;
    const ownMs = Math.random() * Math.min(longestPauseMs, pauseMs * 2 ** attempt);
    await pause(Math.max(ownMs, Math.min(wantedMs, longestRetryAfterMs)));
  }

  async #attempt(request: S3Request): Promise<Omit<S3Answer, 'attempts'>> {
    const { url, headers } = await this.#signed(request);
    const { silenceMs, slowestBytesPerSecond } = this.#patience;
    const patienceMs = silenceMs + ((request.body?.length ?? 0) / slowestBytesPerSecond) * 1000;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), patienceMs);
    try {
      const { method, body = null } = request;
      const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: silence.signal });
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        chunks.push(chunk);
      }
      return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
    } catch (error) {
      throw this.#noAnswer(error, silence.signal.aborted ? patienceMs : undefined);
    } finally {
      clearTimeout(timer);
    }
  }

  async #signed({ method, key, query, headers, body }: S3Request): Promise<{ url: URL; headers: Headers }> {
    this.#credentials ??= (await findCredentials(this.#environment)).credentials;
    const signer = new AwsV4Signer({
      ...this.#credentials,
      method,
      url: `${bucketUrl(this.location, this.#region)}${escapedPath(key)}${escapedQuery(query ?? {})}`,
      // The service refuses a body that is not the one that was signed. Some refuse bodies that were not signed.
      headers: { ...headers, 'x-amz-content-sha256': sha256(body ?? Buffer.alloc(0)) },
      service: 's3',
      region: this.#region,
      cache: this.#signingKeys,
    });
    const signed = await signer.sign();
    // Set after signing, since proxies change it.
    signed.headers.set('accept-encoding', 'identity');
    return signed;
  }

  /** What the service has refused is right now. */
  async #isMended(refusal: Refusal): Promise<boolean> {
    const region = otherRegion(refusal);
    if (region !== undefined && region !== this.#region && !this.location.isRegionGiven) {
      this.#region = region;
      return true;
    }
    if (!isStale(refusal)) return false;
    const before = JSON.stringify(this.#credentials);
    this.#credentials = (await findCredentials(this.#environment)).credentials;
    return JSON.stringify(this.#credentials) !== before;
  }

  #explained(refusal: Refusal): ShipError {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#credentials ?? {};
    // What is wrong may be in the file: the next request looks there.
    if (refusal.status === 401 || refusal.status === 403) this.#credentials = undefined;
    const location = { ...this.location, region: this.#region };
    return explained(refusal, location, [accessKeyId ?? '', secretAccessKey ?? '', sessionToken ?? '']);
  }

  #noAnswer(error: unknown, silentMs: number | undefined): unknown {
    if (error instanceof ShipError) return error;
    const { host } = new URL(bucketUrl(this.location, this.#region));
    const reason = silentMs === undefined ? reasonOf(error) : `nothing came for ${(silentMs / 1000).toFixed(1)} s`;
    return new ShipError('away', `${this.location.shown}: no whole answer from ${host}: ${reason}`, { cause: error });
  }
}

function isSuccess({ status, body }: Omit<S3Answer, 'attempts'>): boolean {
  return status >= 200 && status < 300 && !isErrorBody(body);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'there is no such host (ENOTFOUND): check endpoint= and region= of the URL',
  EAI_AGAIN: 'its name could not be looked up (EAI_AGAIN)',
  'bad port': 'HTTP clients refuse this port, which belongs to another protocol: choose another one',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_CONNECT_TIMEOUT: 'it cannot be connected to',
  ...Object.fromEntries(
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'].map((code) => [
      code,
      `its certificate is of an authority that is not known here (${code}): name that one's file in NODE_EXTRA_CA_CERTS`,
    ]),
  ),
};

/** fetch says `fetch failed`, or `terminated`, and why in the cause. */
function reasonOf(error: unknown): string {
  let innermost = error as { cause?: unknown; code?: string; message?: string };
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return advice[innermost.code ?? innermost.message ?? ''] ?? innermost.code ?? innermost.message ?? 'unknown';
}
