// `hoody-sqlite status` for a person at a terminal.
import type { ChildStatus, DaemonStatus } from './status.ts';

export function statusText(status: DaemonStatus): string {
  const supervisor = status.processes.find(({ role }) => role === 'supervisor');
  const executors = status.processes.filter(({ role }) => role === 'executor').map(({ pid }) => pid);
  const requests = Object.values(status.fuse.requests).reduce((sum, count) => sum + count, 0);
  const rows: [string, string][] = [
    ['version', `${status.version}, up ${durationText(status.uptimeSeconds)}, pid ${supervisor?.pid}`],
    ['mount', status.mount ?? 'none'],
    ['data', `${status.data}, ${bytesText(status.freeBytes)} free`],
    ['url', status.url],
    ['passthrough', status.passthrough ? 'yes' : 'no'],
    ...status.children.map((child): [string, string] => [child.role, childText(child)]),
    ['executors', executors.length === 0 ? 'none' : `pid ${executors.join(', ')}`],
    ['requests', `${requests} of the mount, ${status.http.requests} over HTTP`],
    ['databases', `${status.http.openDatabases} open over HTTP`],
    ...status.degraded.map((reason): [string, string] => ['degraded', reason]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}\n`).join('');
}

function childText(child: ChildStatus): string {
  const running = child.pid === null ? 'down' : `pid ${child.pid}, ${bytesText(child.memoryBytes)}`;
  if (child.restarts === 0) return running;
  return `${running}, restarted ${child.restarts} times, last end: ${child.lastExit}`;
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
