// Rolling a key back: the old value is written as a new version, on the condition that nobody has written since.
// Undoing it writes what was there before, in the same way. Nothing is ever taken out of the history.
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { contentTypeOf, type KeyStore, secondsLeft } from './key-store.ts';
import type { NewValue } from './requests.ts';

/** All that is needed to bring a state of the key back. Null: the key did not exist. */
export type KeyState = NewValue | null;

/** The state that a version left behind, or the present one. The time to live counts from now on. */
export async function stateOf(store: KeyStore, value: StudioKvValue, version?: string): Promise<KeyState> {
  if (!value.exists) return null;
  return {
    bytes: await store.bytes(version),
    contentType: contentTypeOf(value),
    ttl: lifetimeOf(value, Date.now()),
  };
}

/** A moment that is past would end the key at once: then it stays for ever. */
export function lifetimeOf({ expires }: Pick<StudioKvValue, 'expires'>, nowMs: number): number | null {
  return expires !== null && Date.parse(expires) > nowMs ? secondsLeft(expires, nowMs) : null;
}

/**
 * Makes `state` the newest version. `etag` is that of the version it replaces, null where there is no key now. Resolves
 * with the ETag of what is there then, for undoing it.
 * @throws KeyConflict
 */
export async function bringBack(store: KeyStore, state: KeyState, etag: string | null): Promise<string | null> {
  if (state !== null) return store.write(state, etag);
  if (etag !== null) await store.remove(etag);
  return null;
}
