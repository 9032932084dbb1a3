// Reads a request body into memory, never more than the limit.
import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../messages/errors.ts';
import type { TransitBudget } from './transit-budget.ts';

/**
 * @throws ApiError PAYLOAD_TOO_LARGE, SERVICE_UNAVAILABLE when the budget is spent, or INVALID_PARAMETERS for a body
 * that ends early or is compressed.
 */
export function readBody(request: IncomingMessage, maxBytes: number, budget: TransitBudget): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return Promise.reject(
      new ApiError('INVALID_PARAMETERS', `Content-Encoding ${encoding} is not supported; send the body uncompressed`),
    );
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const transfer = budget.begin(() => request.destroy());
    let bytes = 0;
    const settle = (error: ApiError | null): void => {
      transfer.end();
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onLost);
      if (error === null) {
        const [only] = chunks;
        resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
      } else {
        request.pause();
        reject(error);
      }
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      transfer.add(chunk.length);
      if (bytes > maxBytes) settle(tooLarge(maxBytes));
      else if (budget.isFull) settle(new ApiError('SERVICE_UNAVAILABLE', 'too many large requests at once; try again'));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(null);
    const onLost = (): void => settle(new ApiError('INVALID_PARAMETERS', 'the request body ended early'));
    request.on('data', onData);
    request.once('end', onEnd);
    request.once('close', onLost);
  });
}

/** @throws ApiError PAYLOAD_TOO_LARGE */
export async function readGivenBody(body: Buffer, maxBytes: number): Promise<Buffer> {
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `the request body is larger than ${maxBytes} bytes (--max-body-bytes)`);
}
