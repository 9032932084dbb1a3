// Files that are sent to a client or come from one, on their way between the server process and an executor. They lie
// in the directory for temporary files (TMPDIR), only for this user, and are gone when the request is.
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../messages/errors.ts';

/** A name for a file that is not there yet. */
export function temporaryPath(): string {
  return join(tmpdir(), `hoody-sqlite-${process.pid}-${randomBytes(12).toString('hex')}`);
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

/**
 * Writes a request's body to a file, never more than the limit. @throws ApiError PAYLOAD_TOO_LARGE, INVALID_PARAMETERS
 */
export async function receiveFile(source: Readable, path: string, maxBytes: number): Promise<void> {
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new ApiError('PAYLOAD_TOO_LARGE', `a file to import has at most ${maxBytes} bytes`);
      yield chunk;
    }
  }
  try {
    // Whoever sends too much must still be able to read the answer.
    const chunks = source.iterator({ destroyOnReturn: false });
    await pipeline(chunks, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new ApiError('PAYLOAD_TOO_LARGE', 'there is no room for the file in the directory for temporary files', {
        cause,
      });
    }
    if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET') {
      throw new ApiError('INVALID_PARAMETERS', 'the request body ended early', { cause });
    }
    throw cause;
  }
}
