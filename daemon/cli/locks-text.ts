// The lock view as a person reads it: for each database first who holds up others, and below whoever waits for them.
import type { LockView, NamedDatabaseLocks, NamedHolder, NamedWaiter } from '../../fs/index.ts';

export function locksText({ databases }: LockView): string {
  if (databases.length === 0) return 'nobody holds a lock\n';
  return databases.map(databaseText).join('\n');
}

function databaseText({ db, journal, holders, waiters }: NamedDatabaseLocks): string {
  const lines = [`${db} (${journal})`];
  const shown = new Set<number>();
  const tell = (pid: number, depth: number): void => {
    if (shown.has(pid)) return;
    shown.add(pid);
    for (const holder of holders) if (holder.pid === pid) lines.push(indent(depth) + holderText(holder));
    for (const waiter of waiters) if (waiter.pid === pid) lines.push(indent(depth) + waiterText(waiter));
    for (const waiter of waiters) if (waiter.blockedBy.includes(pid)) tell(waiter.pid, depth + 1);
  };
  const waiting = new Set(waiters.map(({ pid }) => pid));
  const blocking = new Set(waiters.flatMap(({ blockedBy }) => blockedBy));
  const pids = [...holders, ...waiters].map(({ pid }) => pid);
  for (const pid of pids) if (blocking.has(pid) && !waiting.has(pid)) tell(pid, 1);
  for (const pid of pids) tell(pid, 1);
  return `${lines.join('\n')}\n`;
}

function holderText({ lock, mode, pid, container, command, heldMs }: NamedHolder): string {
  return `pid ${pid} (${container}) has held ${lock} ${mode} for ${seconds(heldMs)}: ${command}`;
}

function waiterText({
  lock,
  mode,
  pid,
  container,
  command,
  waitMs,
  atGate,
  untilArchived,
  blockedBy,
}: NamedWaiter): string {
  const what = atGate ? 'to begin' : `for ${lock} ${mode}${untilArchived ? ' until the log is archived' : ''}`;
  const whom = blockedBy.length > 0 ? ` behind pid ${blockedBy.join(', ')}` : '';
  return `pid ${pid} (${container}) has waited ${seconds(waitMs)} ${what}${whom}: ${command}`;
}

function indent(depth: number): string {
  return '  '.repeat(depth);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
