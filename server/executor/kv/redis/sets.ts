// Commands on sets: JSON arrays of strings, each of them once, in the order in which they came.
import type { KvRow } from '../table/row.ts';
import type { RedisAnswer } from './answers.ts';
import { scanned, scanOptions } from './scan-options.ts';
import type { Call, Session } from './session.ts';
import { listContent, type Raw, rawOf, readSet } from './values.ts';

interface Members {
  readonly row: KvRow | null;
  readonly members: Map<string, Raw>;
}

function setAt(session: Session, key: string): Members {
  const row = session.row(key, 'set');
  return { row, members: row === null ? new Map() : readSet(row) };
}

export function smembers(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return [...setAt(session, key).members.keys()];
}

export function sismember(session: Session, { words: [key = '', member = ''] }: Call): RedisAnswer {
  return setAt(session, key).members.has(member) ? 1 : 0;
}

export function smismember(session: Session, { words: [key = '', ...wanted] }: Call): RedisAnswer {
  const { members } = setAt(session, key);
  return wanted.map((member) => (members.has(member) ? 1 : 0));
}

export function scard(session: Session, { words: [key = ''] }: Call): RedisAnswer {
  return setAt(session, key).members.size;
}

export function sscan(session: Session, { words: [key = '', cursor = '', ...rest] }: Call): RedisAnswer {
  return scanned(cursor, scanOptions(rest), setAt(session, key).members, (member) => [member]);
}

export function sadd(session: Session, { words: [key = '', ...added] }: Call): RedisAnswer {
  const { row, members } = setAt(session, key);
  const before = members.size;
  for (const member of added) if (!members.has(member)) members.set(member, rawOf(member));
  const grown = members.size - before;
  if (grown > 0) session.put(key, row, listContent([...members.values()], 'set'), { op: 'PUSH' });
  return grown;
}

/** A set without members is no key. */
export function srem(session: Session, { words: [key = '', ...removed] }: Call): RedisAnswer {
  const { row, members } = setAt(session, key);
  const gone = removed.filter((member) => members.delete(member)).length;
  if (gone === 0) return 0;
  if (members.size === 0) session.delete(key);
  else session.put(key, row, listContent([...members.values()], 'set'), { op: 'REMOVE' });
  return gone;
}
