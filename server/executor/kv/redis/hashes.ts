// Commands on hashes: JSON objects of strings.
import type { KvRow } from '../table/row.ts';
import { ok, type RedisAnswer } from './answers.ts';
import { decimalSum, integerOf, sumOf } from './numbers.ts';
import { scanned, scanOptions } from './scan-options.ts';
import type { Call, Logged, Session } from './session.ts';
import { hashContent, type Raw, RedisError, rawOf, readHash, shownRaw } from './values.ts';

interface Hash {
  readonly row: KvRow | null;
  readonly fields: Map<string, Raw>;
}

function hashAt(session: Session, key: string): Hash {
  const row = session.row(key, 'hash');
  return { row, fields: row === null ? new Map() : readHash(row) };
}

/** A hash without fields is no key. */
function putHash(session: Session, key: string, { row, fields }: Hash, logged: Logged): void {
  if (fields.size > 0) session.put(key, row, hashContent(fields), logged);
  else if (row !== null) session.delete(key);
}

function shownOrNull(raw: Raw | undefined): RedisAnswer {
  return raw === undefined ? null : shownRaw(raw);
}

export function hget(session: Session, { words: [key = '', field = ''] }: Call): RedisAnswer {
  return shownOrNull(hashAt(session, key).fields.get(field));
}

export function hmget(session: Session, { words: [key = '', ...names] }: Call): RedisAnswer {
  const { fields } = hashAt(session, key);
  return names.map((name) => shownOrNull(fields.get(name)));
}

export function hgetall(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return Array.from(hashAt(session, key).fields, ([name, raw]) => [name, shownRaw(raw)]).flat();
}

export function hexists(session: Session, { words: [key = '', field = ''] }: Call): RedisAnswer {
  return hashAt(session, key).fields.has(field) ? 1 : 0;
}

export function hkeys(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return [...hashAt(session, key).fields.keys()];
}

export function hvals(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return [...hashAt(session, key).fields.values()].map(shownRaw);
}

export function hlen(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return hashAt(session, key).fields.size;
}

export function hscan(session: Session, { words: [key = '', cursor = '', ...rest] }: Call): RedisAnswer {
  const options = scanOptions(rest, 'NOVALUES');
  const shown = (name: string, raw: Raw) => (options.hasValues ? [name, shownRaw(raw)] : [name]);
  return scanned(cursor, options, hashAt(session, key).fields, shown);
}

export function hset(answersOk: boolean) {
  return (session: Session, { name, words: [key = '', ...pairs] }: Call): RedisAnswer => {
    if (pairs.length % 2 !== 0) throw new RedisError(`ERR wrong number of arguments for '${name}' command`);
    const hash = hashAt(session, key);
    const before = hash.fields.size;
    for (let at = 0; at < pairs.length; at += 2) hash.fields.set(pairs[at] ?? '', rawOf(pairs[at + 1] ?? ''));
    putHash(session, key, hash, { op: 'SET' });
    return answersOk ? ok : hash.fields.size - before;
  };
}

export function hsetnx(session: Session, { words: [key = '', field = '', value = ''] }: Call): RedisAnswer {
  const hash = hashAt(session, key);
  if (hash.fields.has(field)) return 0;
  hash.fields.set(field, rawOf(value));
  putHash(session, key, hash, { op: 'SET' });
  return 1;
}

export function hdel(session: Session, { words: [key = '', ...names] }: Call): RedisAnswer {
  const hash = hashAt(session, key);
  const deleted = names.filter((name) => hash.fields.delete(name)).length;
  if (deleted > 0) putHash(session, key, hash, { op: 'REMOVE' });
  return deleted;
}

export function hincrby(session: Session, { words: [key = '', field = '', amount = ''] }: Call): RedisAnswer {
  const delta = integerOf(amount);
  const hash = hashAt(session, key);
  const raw = hash.fields.get(field);
  const before = raw === undefined ? 0n : integerOf(shownRaw(raw), 'ERR hash value is not an integer');
  const value = sumOf(before, delta);
  hash.fields.set(field, asBefore(raw, value.toString()));
  putHash(session, key, hash, { op: 'SET' });
  return value;
}

export function hincrbyfloat(session: Session, { words: [key = '', field = '', amount = ''] }: Call): RedisAnswer {
  const delta = decimalSum('0', amount, 'ERR value is not a valid float');
  const hash = hashAt(session, key);
  const raw = hash.fields.get(field);
  const value = decimalSum(raw === undefined ? '0' : shownRaw(raw), delta, 'ERR hash value is not a float');
  hash.fields.set(field, asBefore(raw, value));
  putHash(session, key, hash, { op: 'SET' });
  return value;
}

/** A number that another door wrote stays a number. */
function asBefore(raw: Raw | undefined, value: string): Raw {
  return raw === undefined || raw.startsWith('"') ? rawOf(value) : value;
}
