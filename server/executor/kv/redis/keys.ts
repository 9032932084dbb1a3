// Commands on keys whatever their type: existence, time to live, names.
import { ReplyBudget } from '../../../messages/reply.ts';
import { clearKeys, countKeys, keysPage } from '../store/keys.ts';
import { ok, type RedisAnswer } from './answers.ts';
import { cursorOf, keyOfCursor } from './cursor.ts';
import { endOf, syntaxError, type TimeUnit } from './expiry.ts';
import { globOf } from './glob.ts';
import { scanOptions } from './scan-options.ts';
import type { Call, Session } from './session.ts';
import { RedisError, typeOf } from './values.ts';

/** Keys that one SCAN looks at, whatever COUNT says. */
const scanMax = 1000;
const keysPerPage = 1000;
/** What FLUSHDB deletes as one of several commands: all of them are one transaction. */
const flushMax = 10_000;

export function exists(session: Session, { words }: Call): RedisAnswer {
  return words.filter((key) => session.anyRow(key) !== null).length;
}

export function del(session: Session, { words }: Call): RedisAnswer {
  let deleted = 0;
  for (const key of words) {
    if (session.anyRow(key) === null) continue;
    session.delete(key);
    deleted += 1;
  }
  return deleted;
}

export function type(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  const row = session.anyRow(key);
  return row === null ? 'none' : typeOf(row);
}

export function timeLeft(unit: 'seconds' | 'milliseconds') {
  return (session: Session, { words: [key = ''] }: Call): RedisAnswer => {
    const row = session.anyRow(key);
    if (row === null) return -2;
    const left = session.left(row);
    if (left === null) return -1;
    return unit === 'milliseconds' ? left : Math.floor((left + 500) / 1000);
  };
}

export function expire(unit: TimeUnit) {
  return (session: Session, { name, words: [key = '', time = '', ...options] }: Call): RedisAnswer => {
    const allows = expireCondition(options);
    const end = endOf(unit, time, session.nowMs, name, true);
    const row = session.anyRow(key);
    if (row === null) return 0;
    const left = session.left(row);
    if (!allows(left === null ? null : session.nowMs + left, end)) return 0;
    if (end <= session.nowMs) session.delete(key);
    else session.setEnd(key, end);
    return 1;
  };
}

/** A key without a time to live counts as one that ends never. */
function expireCondition(options: readonly string[]): (before: number | null, end: number) => boolean {
  const given = new Set(options.map((option) => option.toUpperCase()));
  for (const option of options) {
    if (!/^(NX|XX|GT|LT)$/i.test(option)) throw new RedisError(`ERR Unsupported option ${option.slice(0, 128)}`);
  }
  if (given.has('NX') && given.size > 1) {
    throw new RedisError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (given.has('GT') && given.has('LT')) {
    throw new RedisError('ERR GT and LT options at the same time are not compatible');
  }
  return (before, end) => {
    if (given.has('NX') && before !== null) return false;
    if (given.has('XX') && before === null) return false;
    if (given.has('GT') && (before === null || end <= before)) return false;
    return !(given.has('LT') && before !== null && end >= before);
  };
}

export function persist(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  const row = session.anyRow(key);
  if (row === null || row.expireAt === null) return 0;
  session.setEnd(key, null);
  return 1;
}

export function rename(onlyIfAbsent: boolean) {
  return (session: Session, { words: [from = '', to = ''] }: Call): RedisAnswer => {
    const row = session.anyRow(from);
    if (row === null) throw new RedisError('ERR no such key');
    if (onlyIfAbsent && session.anyRow(to) !== null) return 0;
    if (from !== to) {
      session.copy(to, row);
      session.delete(from);
    }
    return onlyIfAbsent ? 1 : ok;
  };
}

export function keys({ connection, table }: Session, { words: [pattern = ''] }: Call): RedisAnswer {
  const { prefix, matches } = globOf(pattern);
  const found: string[] = [];
  const budget = new ReplyBudget();
  for (let after: string | null = ''; after !== null; ) {
    const page = keysPage(connection, table, { prefix, after, limit: keysPerPage, withTypes: false });
    for (const { key } of page.rows) {
      if (!matches(key)) continue;
      budget.take(key);
      found.push(key);
    }
    after = page.next;
  }
  return found;
}

export function scan({ connection, table }: Session, { words: [cursor = '', ...rest] }: Call): RedisAnswer {
  const after = keyOfCursor(cursor);
  if (after === undefined) throw new RedisError('ERR invalid cursor');
  const options = scanOptions(rest, 'TYPE');
  const { prefix, matches } = globOf(options.pattern);
  const withTypes = options.type !== null;
  const limit = Math.min(options.count, scanMax);
  const page = keysPage(connection, table, { prefix, after, limit, withTypes });
  const fitting = page.rows.filter(
    (row) => matches(row.key) && (options.type === null || typeOf(row) === options.type.toLowerCase()),
  );
  return [page.next === null ? '0' : cursorOf(page.next), fitting.map(({ key }) => key)];
}

export function dbsize({ connection, table }: Session): RedisAnswer {
  return countKeys(connection, table);
}

export function flushdb({ writer }: Session, { words }: Call): RedisAnswer {
  if (words.length > 1 || !/^(ASYNC|SYNC)?$/i.test(words[0] ?? '')) throw syntaxError();
  if (clearKeys(writer, '', flushMax) === flushMax) {
    throw new RedisError(`ERR FLUSHDB of more than ${flushMax} keys cannot be one command of several; send it alone`);
  }
  return ok;
}
