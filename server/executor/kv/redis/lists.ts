// Commands on lists: JSON arrays of strings.
import type { KvRow } from '../table/row.ts';
import { ok, type RedisAnswer } from './answers.ts';
import { countOf } from './numbers.ts';
import type { Call, Logged, Session } from './session.ts';
import { listContent, type Raw, RedisError, rawOf, readList, shownRaw } from './values.ts';

type Side = 'left' | 'right';

interface List {
  readonly row: KvRow | null;
  readonly elements: Raw[];
}

function listAt(session: Session, key: string): List {
  const row = session.row(key, 'list');
  return { row, elements: row === null ? [] : readList(row) };
}

/** A list without elements is no key. */
function putList(session: Session, key: string, row: KvRow | null, elements: readonly Raw[], logged: Logged): void {
  if (elements.length > 0) session.put(key, row, listContent(elements, 'list'), logged);
  else if (row !== null) session.delete(key);
}

export function llen(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return listAt(session, key).elements.length;
}

export function lindex(session: Session, { words: [key = '', index = ''] }: Call): RedisAnswer {
  const { row, elements } = listAt(session, key);
  if (row === null) return null;
  const element = elements.at(countOf(index));
  return element === undefined ? null : shownRaw(element);
}

export function lrange(session: Session, { words: [key = '', first = '', last = ''] }: Call): RedisAnswer {
  const range = rangeOf(first, last);
  const { elements } = listAt(session, key);
  return elements.slice(...range(elements.length)).map(shownRaw);
}

/** From the first index (inclusive) to the second (exclusive) of a list of some length. */
function rangeOf(first: string, last: string): (length: number) => [number, number] {
  const [from, to] = [countOf(first), countOf(last)];
  return (length) => {
    const place = (index: number) => (index < 0 ? length + index : index);
    const start = Math.max(0, place(from));
    return [start, Math.max(start, place(to) + 1)];
  };
}

export function push(side: Side, onlyIfPresent: boolean) {
  return (session: Session, { words: [key = '', ...added] }: Call): RedisAnswer => {
    const { row, elements } = listAt(session, key);
    if (row === null && onlyIfPresent) return 0;
    const raws = added.map(rawOf);
    const next = side === 'left' ? [...raws.reverse(), ...elements] : [...elements, ...raws];
    putList(session, key, row, next, { op: 'PUSH' });
    return next.length;
  };
}

export function pop(side: Side) {
  return (session: Session, { name, words: [key = '', count, ...more] }: Call): RedisAnswer => {
    if (more.length > 0) throw new RedisError(`ERR wrong number of arguments for '${name}' command`);
    const outOfRange = 'ERR value is out of range, must be positive';
    const wanted = count === undefined ? 1 : countOf(count, outOfRange);
    if (wanted < 0) throw new RedisError(outOfRange);
    const { row, elements } = listAt(session, key);
    if (row === null) return null;
    const at = side === 'left' ? Math.min(wanted, elements.length) : Math.max(0, elements.length - wanted);
    const [before, behind] = [elements.slice(0, at), elements.slice(at)];
    const taken = side === 'left' ? before : behind.reverse();
    if (taken.length > 0) putList(session, key, row, side === 'left' ? behind : before, { op: 'POP' });
    const shown = taken.map(shownRaw);
    return count === undefined ? (shown[0] ?? null) : shown;
  };
}

export function lset(session: Session, { words: [key = '', index = '', value = ''] }: Call): RedisAnswer {
  const { row, elements } = listAt(session, key);
  if (row === null) throw new RedisError('ERR no such key');
  const at = countOf(index);
  const place = at < 0 ? elements.length + at : at;
  if (elements[place] === undefined) throw new RedisError('ERR index out of range');
  putList(session, key, row, elements.with(place, rawOf(value)), { op: 'SET' });
  return ok;
}

/** `count` above 0: from the begin, below: from the end; 0: all. */
export function lrem(session: Session, { words: [key = '', count = '', value = ''] }: Call): RedisAnswer {
  const wanted = countOf(count);
  const { row, elements } = listAt(session, key);
  const places = [...elements.keys()].filter((at) => shownRaw(elements[at] ?? '') === value);
  const most = wanted === 0 ? places.length : Math.min(Math.abs(wanted), places.length);
  const removed = new Set(wanted < 0 ? places.slice(places.length - most) : places.slice(0, most));
  if (removed.size > 0) {
    const rest = elements.filter((_, at) => !removed.has(at));
    putList(session, key, row, rest, { op: 'REMOVE' });
  }
  return removed.size;
}

export function ltrim(session: Session, { words: [key = '', first = '', last = ''] }: Call): RedisAnswer {
  const range = rangeOf(first, last);
  const { row, elements } = listAt(session, key);
  const rest = elements.slice(...range(elements.length));
  if (row !== null && rest.length < elements.length) putList(session, key, row, rest, { op: 'REMOVE' });
  return ok;
}
