// Reads a request body into memory, never more than the limit.
import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';

/** @throws ApiError PAYLOAD_TOO_LARGE, or INVALID_PARAMETERS for a body that ends early or is compressed. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return Promise.reject(
      new ApiError('INVALID_PARAMETERS', `Content-Encoding ${encoding} is not supported; send the body uncompressed`),
    );
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.off('data', onData);
        request.pause();
        reject(tooLarge(maxBytes));
        return;
      }
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => {
      const only = chunks[0];
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    const onLost = (): void => reject(new ApiError('INVALID_PARAMETERS', 'the request body ended early'));
    request.once('aborted', onLost);
    request.once('error', onLost);
  });
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `the request body is larger than ${maxBytes} bytes (--max-body-bytes)`);
}
