// The share links of the studio, in a file of the state directory: what each shows and when it ends, with the digest of
// its token instead of the token. The file is a log of lines, so that two server processes may write to it during a
// handover; each reads what the other has added before it answers.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { ApiError } from '../messages/errors.ts';
import type { StudioShare, StudioShareRequest } from '../messages/studio/shares.ts';
import { secondsText } from '../messages/time-text.ts';
import type { Log } from './log.ts';

const mostShares = 1000;
/** The file keeps what was revoked and has ended, too, so it may be of any length. */
const chunkBytes = 1024 * 1024;
/** A longer line is none of ours. */
const mostLineChars = 1024 * 1024;

interface Kept extends StudioShare {
  /** SHA-256 of the token. */
  readonly digest: string;
}

/** One line of the file. */
type Line = { readonly add: Kept } | { readonly revoke: string } | { readonly secret: string };

export class ShareBook {
  readonly #fd: number | undefined;
  readonly #shares = new Map<string, Kept>();
  #secret: Buffer | undefined;
  #readBytes = 0;
  readonly #decoder = new StringDecoder('utf8');
  /** What is behind the last line feed that was read. */
  #rest = '';

  /** Keeps the file open: to be made while the process may still open it. One file for each root. */
  constructor(stateDir: string, root: string, log: Log) {
    const file = join(stateDir, `studio-shares${root.replaceAll('/', '-')}.jsonl`);
    try {
      this.#fd = openSync(file, 'a+', 0o600);
    } catch (error) {
      log('debug', 'share links cannot be kept', { file, error: String(error) });
    }
  }

  /** Of the links that have neither ended nor been revoked, newest first. */
  get shares(): StudioShare[] {
    this.#read();
    return this.#living().map(withoutDigest).reverse();
  }

  /** The new link with its token, which is told this once. @throws ApiError CONFLICT where there are too many */
  add({ db, title, view, expiresIn }: StudioShareRequest): StudioShare {
    this.#read();
    if (this.#living().length >= mostShares) {
      throw new ApiError('CONFLICT', `there are ${mostShares} share links; revoke some that are not needed any more`);
    }
    const token = randomBytes(24).toString('base64url');
    const now = Date.now();
    const share: StudioShare = {
      id: randomBytes(9).toString('base64url'),
      db,
      title,
      view,
      created: secondsText(new Date(now)),
      expires: secondsText(new Date(now + expiresIn * 1000)),
    };
    this.#write({ add: { ...share, digest: digestOf(token).toString('hex') } });
    return { ...share, token };
  }

  /** @returns whether there was one */
  revoke(id: string): boolean {
    this.#read();
    if (!this.#shares.has(id)) return false;
    this.#write({ revoke: id });
    return true;
  }

  /** The share of a token, or undefined. Takes the same time for every wrong token. */
  find(token: string): StudioShare | undefined {
    this.#read();
    const digest = digestOf(token);
    let found: Kept | undefined;
    for (const share of this.#living()) {
      if (timingSafeEqual(Buffer.from(share.digest, 'hex'), digest)) found = share;
    }
    return found === undefined ? undefined : withoutDigest(found);
  }

  /** A key of this server that no holder of a link knows: it seals cursors, which name keys of rows. 32 bytes. */
  get secret(): Buffer {
    this.#read();
    if (this.#secret === undefined) this.#write({ secret: randomBytes(32).toString('base64') });
    return this.#secret ?? randomBytes(32);
  }

  #living(): Kept[] {
    const now = Date.now();
    return [...this.#shares.values()].filter(({ expires }) => Date.parse(expires) > now);
  }

  /** Without a file the links live as long as the process. */
  #write(line: Line): void {
    if (this.#fd === undefined) {
      this.#apply(line);
      return;
    }
    // The line feed in front ends a line that the death of a process has cut short.
    writeSync(this.#fd, `\n${JSON.stringify(line)}\n`);
    this.#read();
  }

  #read(): void {
    if (this.#fd === undefined) return;
    const { size } = fstatSync(this.#fd);
    while (size > this.#readBytes) {
      const bytes = Buffer.alloc(Math.min(size - this.#readBytes, chunkBytes));
      const length = readSync(this.#fd, bytes, 0, bytes.length, this.#readBytes);
      if (length === 0) return;
      this.#readBytes += length;
      const lines = (this.#rest + this.#decoder.write(bytes.subarray(0, length))).split('\n');
      this.#rest = lines.pop() ?? '';
      if (this.#rest.length > mostLineChars) this.#rest = '';
      for (const line of lines.flatMap(parseLine)) this.#apply(line);
    }
  }

  #apply(line: Line): void {
    if ('add' in line) this.#shares.set(line.add.id, line.add);
    else if ('revoke' in line) this.#shares.delete(line.revoke);
    // The first one stands: cursors that it has sealed are on the way.
    else this.#secret ??= Buffer.from(line.secret, 'base64');
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function withoutDigest({ digest: _, ...share }: Kept): StudioShare {
  return share;
}

function parseLine(line: string): Line[] {
  if (line === '') return [];
  try {
    return [JSON.parse(line) as Line];
  } catch {
    return []; // cut short by the end of a process
  }
}
