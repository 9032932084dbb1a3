// Files that are sent to a client or come from one, on their way between the server process and an executor. They lie
// in the directory for temporary files (TMPDIR), only for this user, and are gone when the request is. Those of a
// server process that was killed go when the next one of the same data directory starts.
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../messages/errors.ts';
import { bytesToSpare, isFull, noRoom } from '../messages/temporary-room.ts';

/** Data directory, process and its start, any. */
const nameShape = /^hoody-sqlite-file-([0-9a-z]+)-(\d+)\.(\d+)-[0-9a-f]{24}$/;
/** The room on the disk is looked at whenever so many bytes have come. */
const roomStepBytes = 8 * 1024 * 1024;

export class TemporaryFiles {
  readonly #owner: string;

  /** A data directory has one daemon at a time: the files of another one are not touched. */
  constructor(dataDir: string) {
    const { dev, ino } = statSync(dataDir, { bigint: true });
    this.#owner = `${dev.toString(36)}x${ino.toString(36)}`;
  }

  /** A name for a file that is not there yet. */
  path(): string {
    const start = startOf(process.pid) ?? 0;
    const name = `hoody-sqlite-file-${this.#owner}-${process.pid}.${start}-${randomBytes(12).toString('hex')}`;
    return join(tmpdir(), name);
  }

  /** Removes what earlier server processes left. During an upgrade the one before may still run: its files stay. */
  sweep(): void {
    for (const name of readdirSync(tmpdir())) {
      const [, owner, pid, start] = nameShape.exec(name) ?? [];
      if (owner !== this.#owner || startOf(Number(pid)) === Number(start)) continue;
      try {
        rmSync(join(tmpdir(), name));
      } catch {
        // It belongs to another user, as whom an earlier daemon ran.
      }
    }
  }
}

/** When a process began, in ticks since the machine did; undefined where it is gone. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc_pid_stat(5): field 22. The second one is a name in parentheses, which may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** The file as a stream. It has no name any more from here on: its blocks are free when the stream is closed. */
export async function takeFile(path: string): Promise<{ readonly body: Readable; readonly sizeBytes: number }> {
  const file = await open(path, 'r');
  await rm(path);
  const { size } = await file.stat();
  return { body: createReadStream('', { fd: file, autoClose: true }), sizeBytes: size };
}

export interface Received {
  readonly path: string;
  readonly maxBytes: number;
  /** As the client says; 0 where it does not. */
  readonly expectedBytes: number;
  /** How many bytes may still be written to a file at this path. */
  readonly spare?: (path: string) => number;
}

/**
 * Writes a request's body to a file, never more than the limit, and never so much that the disk would be full.
 * @throws ApiError PAYLOAD_TOO_LARGE, INVALID_PARAMETERS
 */
export async function receiveFile(source: Readable, received: Received): Promise<void> {
  const { path, maxBytes, expectedBytes, spare = bytesToSpare } = received;
  const tooMuch = new ApiError('PAYLOAD_TOO_LARGE', `a file to import has at most ${maxBytes} bytes`);
  if (expectedBytes > maxBytes) throw tooMuch;
  if (expectedBytes > spare(path)) throw noRoom('PAYLOAD_TOO_LARGE');
  let bytes = 0;
  let lookedAt = 0;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooMuch;
      if (bytes - lookedAt >= roomStepBytes || lookedAt === 0) {
        if (spare(path) <= 0) throw noRoom('PAYLOAD_TOO_LARGE');
        lookedAt = bytes;
      }
      yield chunk;
    }
  }
  try {
    // Whoever sends too much must still be able to read the answer.
    const chunks = source.iterator({ destroyOnReturn: false });
    await pipeline(chunks, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (isFull(cause)) throw noRoom('PAYLOAD_TOO_LARGE', cause);
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET') {
      throw new ApiError('INVALID_PARAMETERS', 'the request body ended early', { cause });
    }
    throw cause;
  }
}
