// What a share link shows, asked with its own token.
import type { StudioShared } from '../../../messages/studio/shares.ts';
import { request } from '../api/client.ts';

export type AskShared = (body: object, signal?: AbortSignal) => Promise<StudioShared>;

export function askWith(token: string): AskShared {
  return async (body, signal) =>
    (await (await request('POST', 'studio/shared', { body, token, signal })).json()) as StudioShared;
}
