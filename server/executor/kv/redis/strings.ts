// Commands on strings and counters.
import { ReplyBudget } from '../../../messages/reply.ts';
import { textType } from '../table/codes.ts';
import type { KvRow } from '../table/row.ts';
import { ok, type RedisAnswer } from './answers.ts';
import { endOf, isTimeUnit, syntaxError, type TimeUnit } from './expiry.ts';
import { countOf, decimalSum, integerOf, sumOf } from './numbers.ts';
import type { Call, NewEnd, Session } from './session.ts';
import { bytesOf, changedContent, RedisError, stringContent, typeOf } from './values.ts';

export function get(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return stringOrNull(session.row(key, 'string'));
}

/** Of a key that is no string: nil, as Redis has it. */
export function mget(session: Session, { words }: Call): RedisAnswer {
  const budget = new ReplyBudget();
  return words.map((key) => {
    const row = session.anyRow(key);
    if (row === null || typeOf(row) !== 'string') return null;
    budget.take(row.value);
    return bytesOf(row);
  });
}

export function strlen(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  const row = session.row(key, 'string');
  return row === null ? 0 : bytesOf(row).length;
}

export function getrange(session: Session, { words: [key = '', first = '', last = ''] }: Call): RedisAnswer {
  const [from, to] = [countOf(first), countOf(last)];
  const row = session.row(key, 'string');
  const bytes = row === null ? Buffer.alloc(0) : bytesOf(row);
  const start = from < 0 ? Math.max(0, bytes.length + from) : from;
  const end = to < 0 ? Math.max(0, bytes.length + to) : to;
  return start > end ? '' : bytes.subarray(start, end + 1);
}

interface SetOptions {
  readonly end: NewEnd;
  readonly onlyIf: 'absent' | 'present' | null;
  readonly answersOld: boolean;
}

export function set(session: Session, call: Call): RedisAnswer {
  const [key = '', value = '', ...rest] = call.words;
  const { end, onlyIf, answersOld } = setOptions(session, call, rest);
  const current = answersOld ? session.row(key, 'string') : session.anyRow(key);
  const before = answersOld ? stringOrNull(current) : null;
  const mayWrite = onlyIf === null || (onlyIf === 'absent') === (current === null);
  if (!mayWrite) return before;
  write(session, key, current, value, end);
  return answersOld ? before : ok;
}

function setOptions(session: Session, call: Call, words: readonly string[]): SetOptions {
  const given = new Set<string>();
  let time = '';
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]?.toUpperCase() ?? '';
    if (!/^(GET|NX|XX|KEEPTTL|EX|PX|EXAT|PXAT)$/.test(word)) throw syntaxError();
    if (isTimeUnit(word)) {
      at += 1;
      if (at === words.length) throw syntaxError();
      time = words[at] ?? '';
    }
    given.add(word);
  }
  const [unit, ...more] = [...given].filter((word) => word === 'KEEPTTL' || isTimeUnit(word));
  if (more.length > 0 || (given.has('NX') && given.has('XX'))) throw syntaxError();
  const ends = unit !== undefined && isTimeUnit(unit);
  return {
    end: ends ? endOf(unit, time, session.nowMs, call.name) : unit === undefined ? null : undefined,
    onlyIf: given.has('NX') ? 'absent' : given.has('XX') ? 'present' : null,
    answersOld: given.has('GET'),
  };
}

/** A moment that has passed leaves no key. */
function write(session: Session, key: string, current: KvRow | null, value: string, end: NewEnd): void {
  if (typeof end === 'number' && end <= session.nowMs) {
    if (current !== null) session.delete(key);
    return;
  }
  session.put(key, current, stringContent(Buffer.from(value)), { op: 'SET' }, end);
}

export function setnx(session: Session, { words: [key = '', value = ''] }: Call): RedisAnswer {
  if (session.anyRow(key) !== null) return 0;
  write(session, key, null, value, null);
  return 1;
}

export function setWithTime(unit: TimeUnit) {
  return (session: Session, { name, words: [key = '', time = '', value = ''] }: Call): RedisAnswer => {
    const end = endOf(unit, time, session.nowMs, name);
    write(session, key, session.anyRow(key), value, end);
    return ok;
  };
}

export function getset(session: Session, { words: [key = '', value = ''] }: Call): RedisAnswer {
  const current = session.row(key, 'string');
  const before = stringOrNull(current);
  write(session, key, current, value, null);
  return before;
}

export function getdel(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  const current = session.row(key, 'string');
  if (current !== null) session.delete(key);
  return stringOrNull(current);
}

export function getex(session: Session, call: Call): RedisAnswer {
  const [key = '', option, time, ...rest] = call.words;
  const endNow = getexEnd(session, call, option?.toUpperCase(), time, rest.length);
  const current = session.row(key, 'string');
  if (current === null) return null;
  const end = endNow();
  if (typeof end === 'number' && end <= session.nowMs) session.delete(key);
  else if (end !== undefined && (end !== null || current.expireAt !== null)) session.setEnd(key, end);
  return stringOrNull(current);
}

/** The form of the options counts first, then the key, then the number in them. */
function getexEnd(
  session: Session,
  call: Call,
  option: string | undefined,
  time: string | undefined,
  more: number,
): () => NewEnd {
  if (option === undefined) return () => undefined;
  if (option === 'PERSIST' && time === undefined) return () => null;
  if (!isTimeUnit(option) || time === undefined || more > 0) throw syntaxError();
  return () => endOf(option, time, session.nowMs, call.name);
}

export function mset(session: Session, call: Call): RedisAnswer {
  for (const [key, value] of pairsOf(call)) write(session, key, session.anyRow(key), value, null);
  return ok;
}

export function msetnx(session: Session, call: Call): RedisAnswer {
  const pairs = pairsOf(call);
  if (pairs.some(([key]) => session.anyRow(key) !== null)) return 0;
  mset(session, call);
  return 1;
}

function pairsOf({ name, words }: Call): [string, string][] {
  if (words.length % 2 !== 0) throw new RedisError(`ERR wrong number of arguments for '${name}' command`);
  const pairs: [string, string][] = [];
  for (let at = 0; at < words.length; at += 2) pairs.push([words[at] ?? '', words[at + 1] ?? '']);
  return pairs;
}

export function append(session: Session, { words: [key = '', more = ''] }: Call): RedisAnswer {
  const current = session.row(key, 'string');
  const bytes = Buffer.concat([current === null ? Buffer.alloc(0) : bytesOf(current), Buffer.from(more)]);
  const content = current === null ? stringContent(bytes) : changedContent(bytes, current);
  session.put(key, current, content, { op: 'SET' });
  return bytes.length;
}

export function increment(sign: 1n | -1n) {
  return (session: Session, { words: [key = '', amount = '1'] }: Call): RedisAnswer => {
    const delta = sign * integerOf(amount);
    if (delta > 2n ** 63n - 1n) throw new RedisError('ERR decrement would overflow');
    const current = session.row(key, 'string');
    const value = sumOf(current === null ? 0n : integerOf(bytesOf(current).toString()), delta);
    const contentType = current?.contentType ?? textType;
    session.put(key, current, { value: value.toString(), contentType }, { op: delta < 0n ? 'DECR' : 'INCR', delta });
    return value;
  };
}

export function incrbyfloat(session: Session, { words: [key = '', amount = ''] }: Call): RedisAnswer {
  const current = session.row(key, 'string');
  const before = current === null ? '0' : bytesOf(current).toString();
  const value = decimalSum(before, amount, 'ERR value is not a valid float');
  session.put(key, current, { value, contentType: current?.contentType ?? textType }, { op: 'SET' });
  return value;
}

function stringOrNull(row: KvRow | null): RedisAnswer {
  return row === null ? null : bytesOf(row);
}
