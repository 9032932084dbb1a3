// What commands answer, and how it is written into JSON as Upstash does.
import { stringifyJson } from '../../../messages/json.ts';

/** Redis's simple string OK, which is never encoded. */
export const ok = Symbol('OK');

export type RedisAnswer = null | number | bigint | string | Buffer | typeof ok | readonly RedisAnswer[];

/** `isBase64`: every string but OK. Without it bytes that are no UTF-8 cannot be told. */
export function resultItem(answer: RedisAnswer, isBase64: boolean): string {
  return stringifyJson({ result: encoded(answer, isBase64) });
}

export function errorItem(message: string): string {
  return stringifyJson({ error: message });
}

function encoded(answer: RedisAnswer, isBase64: boolean): unknown {
  if (answer === ok) return 'OK';
  if (Array.isArray(answer)) return answer.map((part: RedisAnswer) => encoded(part, isBase64));
  if (typeof answer === 'string') return isBase64 ? Buffer.from(answer).toString('base64') : answer;
  if (Buffer.isBuffer(answer)) return answer.toString(isBase64 ? 'base64' : 'utf8');
  return answer;
}
