// `hoody-sqlite status` for a person at a terminal.

import type { ArchiveSummary } from '../archive/summary.ts';
import { fieldsText } from '../log.ts';
import type { ShipSummary } from '../ship/summary.ts';
import type { ChildStatus, DaemonStatus, FencedDatabase } from '../supervisor/status.ts';

const mostNamed = 5;

/** `earlier` is another status, `seconds` older, to tell what happens per second. */
export function statusText(status: DaemonStatus, earlier: DaemonStatus, seconds: number): string {
  const supervisor = status.processes.find(({ role }) => role === 'supervisor');
  const executors = status.processes.filter(({ role }) => role === 'executor').map(({ pid }) => pid);
  const { fuse, http, locks, kernelLocks, lastError } = status;
  const rows: [string, string][] = [
    ['version', `${status.version}, up ${durationText(status.uptimeSeconds)}, pid ${supervisor?.pid}`],
    ['mount', status.mount ?? 'none'],
    ['data', `${status.data}, ${status.freeBytes === null ? 'unknown' : bytesText(status.freeBytes)} free`],
    ['url', status.url],
    ['passthrough', status.passthrough ? 'yes' : 'no'],
    ...status.children.map((child): [string, string] => [child.role, childText(child, status.version)]),
    ['executors', executors.length === 0 ? 'none' : `pid ${executors.join(', ')}`],
    [
      'open',
      `${counted(fuse.handles ?? 0, 'file')} on the mount, ${counted(http.openDatabases, 'database')} over HTTP`,
    ],
    ['locks', `${locks.holders} held, ${locks.waiters} waited for, in ${counted(locks.databases, 'database')}`],
    ...kernelLocks.map(({ directory, active }): [string, string] => [
      'kernel locks',
      active ? directory : `${directory}: no`,
    ]),
    ['per second', ratesText(status, earlier, seconds)],
    ...archiveRows(status.archive),
    ...status.archiveLimits.map((limit): [string, string] => ['kept', limit]),
    ...(status.ship === null ? [] : [['shipped', shippedText(status.ship)] as [string, string]]),
    ...ramdiskRows(status.ramdisk),
    ...status.fenced.map((fenced): [string, string] => ['fenced', fenceText(fenced)]),
    ...status.degraded.map((reason): [string, string] => ['degraded', reason]),
    ...(lastError
      ? [['last error', `${lastError.time} ${lastError.event} ${fieldsText(lastError.fields)}`] as [string, string]]
      : []),
  ];
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}\n`).join('');
}

/** As `12 HTTP, 340 mount (SETLK 300, LOOKUP 40)`, the most frequent first. */
function ratesText(status: DaemonStatus, earlier: DaemonStatus, seconds: number): string {
  const rate = (now: number, before: number) => Math.round(Math.max(0, now - before) / seconds);
  const kinds = Object.entries(status.fuse.requests)
    .map(([name, count]) => ({ name, count: rate(count, earlier.fuse.requests[name] ?? 0) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  const all = kinds.reduce((sum, { count }) => sum + count, 0);
  const named = kinds.map(({ name, count }) => `${name} ${count}`).join(', ');
  const http = rate(status.http.requests, earlier.http.requests);
  return `${http} HTTP, ${all} mount${named === '' ? '' : ` (${named})`}`;
}

export function keptText({ databases, commits, bytes, budgetBytes, lagBytes, gaps }: ArchiveSummary): string {
  const lag = lagBytes === 0 ? '' : `, ${bytesText(lagBytes)} behind`;
  const missed = gaps === 0 ? '' : `, ${gaps} gaps`;
  return `${commits} commits of ${databases} databases, ${bytesText(bytes)} of ${bytesText(budgetBytes)}${lag}${missed}`;
}

function archiveRows(archive: ArchiveSummary | null): [string, string][] {
  if (archive === null) return [];
  const { left } = archive;
  return [
    ['kept', keptText(archive)],
    ...left.slice(0, mostNamed).map(({ database, reason }): [string, string] => ['not kept', `${database}: ${reason}`]),
    ...(left.length > mostNamed ? [['not kept', `${left.length - mostNamed} more`] as [string, string]] : []),
  ];
}

/** What keeps it from being shipped stands with the rest of what is degraded. */
function shippedText({ url, databases, lagBytes, lagMs, failure }: ShipSummary): string {
  const isBehind = lagMs > 0 || lagBytes > 0 || failure !== null;
  const behind = `${bytesText(lagBytes)}, ${durationText(Math.ceil(lagMs / 1000))} behind`;
  return `${counted(databases, 'database')} to ${url}, ${isBehind ? behind : 'all of it'}`;
}

function ramdiskRows(ramdisk: DaemonStatus['ramdisk']): [string, string][] {
  if (ramdisk === null) return [];
  const { databases, directory, usedBytes, sizeBytes, lagMs } = ramdisk;
  const lag = lagMs === 0 ? '' : `, durable copies ${(lagMs / 1000).toFixed(1)} s behind`;
  const room = `${bytesText(usedBytes)} of ${bytesText(sizeBytes)} in ${directory}`;
  return [['in RAM', `${counted(databases, 'database')}, ${room}${lag}`]];
}

function fenceText({ database, by }: FencedDatabase): string {
  const programs = by.map(({ pid, command }) => `pid ${pid} (${command})`).join(', ');
  return `${database}, until it is closed by ${programs === '' ? 'a program that /proc does not show' : programs}`;
}

function childText(child: ChildStatus, version: string): string {
  const other = child.version === null || child.version === version ? '' : `, version ${child.version}`;
  const running = child.pid === null ? 'down' : `pid ${child.pid}, ${bytesText(child.memoryBytes)}${other}`;
  if (child.restarts === 0) return running;
  return `${running}, restarted ${counted(child.restarts, 'time')}, last end: ${child.lastExit}`;
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  return [days && `${days} d`, hours && `${hours} h`, `${minutes} min`].filter(Boolean).join(' ');
}
