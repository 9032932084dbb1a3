// What a KV operation answers: it is made inside the executor, down to the bytes of the body, so that an idempotent request
// can be answered again with exactly the same bytes, and big values cross the process border once.
import { stringifyJson } from '../../../messages/json.ts';

export interface KvAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** null sends no body. */
  readonly body: string | Uint8Array | null;
  /** Absent: JSON. */
  readonly contentType?: string;
}

export function jsonAnswer(body: Record<string, unknown>, etag: string | null = null): KvAnswer {
  return { status: 200, headers: etag === null ? {} : { etag }, body: stringifyJson(body) };
}
