// A download by fetch: the token goes in a header, and a file that did not come whole is never saved.
import { type RequestOptions, request } from '../api/client.ts';
import type { DownloadTarget } from './target.ts';

export interface Progress {
  readonly bytes: number;
  /** Null where the server does not say. */
  readonly total: number | null;
}

const tellMs = 100;

/** @returns the bytes of the file. @throws ApiError, AbortError, or Error where the answer ended early */
export async function download(
  method: string,
  path: string,
  options: RequestOptions,
  target: DownloadTarget,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  try {
    const response = await request(method, path, options);
    const bytes = await receive(response, target, onProgress);
    await target.close();
    return bytes;
  } catch (error) {
    await target.abort().catch(() => undefined); // what went wrong first is what the user is told
    throw error;
  }
}

async function receive(
  response: Response,
  target: DownloadTarget,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const length = response.headers.get('Content-Length');
  const total = length === null || response.headers.has('Content-Encoding') ? null : Number(length);
  const reader = response.body?.getReader();
  let bytes = 0;
  let toldAt = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    await target.write(value);
    if (performance.now() - toldAt < tellMs) continue;
    toldAt = performance.now();
    onProgress({ bytes, total });
  }
  if (total !== null && bytes !== total) throw new Error('The answer ended too early: nothing was saved. Try again.');
  return bytes;
}
