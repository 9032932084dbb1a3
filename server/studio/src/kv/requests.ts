// What the keys view asks of the server. Reading goes over the studio's routes, writing over the public ones: with
// If-Match, so that nobody's work is overwritten unseen.
import type { StudioKeys, StudioKvHistory, StudioKvTables, StudioKvValue } from '../../../messages/studio/keys.ts';
import { ApiError, get, request } from '../api/client.ts';
import type { KeyPlace } from './place.ts';

/** What a write stores. */
export interface NewValue {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Seconds; null: the key stays. */
  readonly ttl: number | null;
}

/** The version that a write replaces; null: the key must not exist. */
export type Expected = string | null;

/** Somebody else has written the key since it was read. `etag` is null where the key is gone. */
export class KeyConflict extends Error {
  readonly etag: string | null;
  constructor(etag: string | null) {
    super('somebody else has changed this key');
    this.etag = etag;
  }
}

export const levelLimit = 200;
const historyLimit = 50;

export function readTables(db: string, signal?: AbortSignal): Promise<StudioKvTables> {
  return get<StudioKvTables>('studio/kv/tables', { db }, signal);
}

/** One level of the tree, or with `search` the keys that contain a text. */
export function readLevel(
  { db, table }: Omit<KeyPlace, 'key'>,
  level: {
    readonly prefix?: string;
    readonly delimiter?: string;
    readonly after?: string | undefined;
    readonly search?: string;
    readonly limit?: number;
  },
  signal?: AbortSignal,
): Promise<StudioKeys> {
  return get<StudioKeys>('studio/kv/keys', { db, table, limit: levelLimit, ...level }, signal);
}

export function readValue(place: KeyPlace, version?: string, signal?: AbortSignal): Promise<StudioKvValue> {
  return get<StudioKvValue>('studio/kv/key', { ...place, version }, signal);
}

/** The whole value, however long. */
export async function readBytes(place: KeyPlace, version?: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request('GET', 'studio/kv/key', { query: { ...place, version, raw: true } });
  return new Uint8Array(await response.arrayBuffer());
}

export function readHistory(place: KeyPlace, before?: string, signal?: AbortSignal): Promise<StudioKvHistory> {
  return get<StudioKvHistory>('studio/kv/history', { ...place, before, limit: historyLimit }, signal);
}

/** Resolves with the ETag of what was written. @throws KeyConflict, ApiError */
export async function writeKey(place: KeyPlace, value: NewValue, expected: Expected): Promise<string> {
  const { db, table, key } = place;
  const response = await refusable(() =>
    request('PUT', pathOf(key), {
      query: { db, table, ttl: value.ttl },
      body: new Blob([value.bytes]),
      headers: { 'Content-Type': value.contentType, ...conditionOf(expected) },
    }),
  );
  return etagOf(response);
}

/** @throws KeyConflict, ApiError */
export async function removeKey({ db, table, key }: KeyPlace, expected: string): Promise<void> {
  await refusable(() => request('DELETE', pathOf(key), { query: { db, table }, headers: conditionOf(expected) }));
}

/** Seconds from now; null: the key stays for ever. The value is not touched. @throws KeyConflict, ApiError */
export async function setLifetime(place: KeyPlace, seconds: number | null, expected: string): Promise<void> {
  const { db, table, key } = place;
  const path = `${pathOf(key)}/${seconds === null ? 'persist' : 'expire'}`;
  await refusable(() => request('POST', path, { query: { db, table, ttl: seconds }, headers: conditionOf(expected) }));
}

/** Browsers take `.` and `..` out of a path, encoded or not: such keys cannot be addressed. */
export function isAddressable(key: string): boolean {
  return key !== '.' && key !== '..' && key !== '';
}

function pathOf(key: string): string {
  if (!isAddressable(key)) throw new Error(`a browser cannot write the key ${JSON.stringify(key)}: use SQL`);
  return `kv/${encodeURIComponent(key)}`;
}

function conditionOf(expected: Expected): Record<string, string> {
  return expected === null ? { 'If-None-Match': '*' } : { 'If-Match': expected };
}

function etagOf(response: Response): string {
  return response.headers.get('ETag') ?? '*';
}

async function refusable(send: () => Promise<Response>): Promise<Response> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 412) throw error;
    const { current_etag: etag } = error.body;
    throw new KeyConflict(typeof etag === 'string' ? etag : null);
  }
}
