// Options that give a key a time to live: EX, PX, EXAT, PXAT, KEEPTTL, PERSIST.
import { kvLimits } from '../../../messages/kv-limits.ts';
import { integerOf } from './numbers.ts';
import { RedisError } from './values.ts';

export const syntaxError = (): RedisError => new RedisError('ERR syntax error');

export type TimeUnit = 'EX' | 'PX' | 'EXAT' | 'PXAT';

export function isTimeUnit(word: string): word is TimeUnit {
  return word === 'EX' || word === 'PX' || word === 'EXAT' || word === 'PXAT';
}

/** The moment in milliseconds since 1970. `mayBePast`: EXPIRE takes any time, SET only one above 0. */
export function endOf(unit: TimeUnit, text: string, nowMs: number, command: string, mayBePast = false): number {
  const amount = integerOf(text);
  const invalid = () => new RedisError(`ERR invalid expire time in '${command}' command`);
  if (amount <= 0n && !mayBePast) throw invalid();
  const ms = unit === 'EX' || unit === 'EXAT' ? amount * 1000n : amount;
  const end = unit === 'EX' || unit === 'PX' ? BigInt(nowMs) + ms : ms;
  const most = BigInt(nowMs) + BigInt(kvLimits.ttlMaxSeconds) * 1000n;
  if (end > most || end < -most) throw invalid();
  return Number(end);
}
