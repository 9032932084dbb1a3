// The options of SCAN, SSCAN and HSCAN, and what the latter two answer: the whole value at once, as Redis does with
// small ones. https://redis.io/docs/latest/commands/scan/
import type { RedisAnswer } from './answers.ts';
import { syntaxError } from './expiry.ts';
import { globOf } from './glob.ts';
import { countOf } from './numbers.ts';
import { RedisError } from './values.ts';

export interface ScanOptions {
  pattern: string;
  /** At least 1. */
  count: number;
  type: string | null;
  hasValues: boolean;
}

const defaultCount = 10;

/** @throws RedisError for an option that `allowed` does not name, or that has no value */
export function scanOptions(words: readonly string[], allowed?: 'TYPE' | 'NOVALUES'): ScanOptions {
  const options: ScanOptions = { pattern: '*', count: defaultCount, type: null, hasValues: true };
  for (let at = 0; at < words.length; at += 1) {
    const option = words[at]?.toUpperCase();
    if (option === 'NOVALUES' && allowed === 'NOVALUES') {
      options.hasValues = false;
      continue;
    }
    at += 1;
    const value = words[at];
    if (value === undefined) throw syntaxError();
    if (option === 'MATCH') options.pattern = value;
    else if (option === 'COUNT') options.count = countOf(value);
    else if (option === 'TYPE' && allowed === 'TYPE') options.type = value;
    else throw syntaxError();
  }
  if (options.count < 1) throw syntaxError();
  return options;
}

/** Those entries whose name matches, each as `shown` says, behind the cursor that ends a scan. */
export function scanned<T>(
  cursor: string,
  { pattern }: ScanOptions,
  entries: Iterable<readonly [string, T]>,
  shown: (name: string, value: T) => readonly string[],
): RedisAnswer {
  if (!/^\d{1,20}$/.test(cursor)) throw new RedisError('ERR invalid cursor');
  const { matches } = globOf(pattern);
  return ['0', Array.from(entries).flatMap(([name, value]) => (matches(name) ? shown(name, value) : []))];
}
