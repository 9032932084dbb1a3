// Databases in RAM, for people.
import type { TierList } from '../ramdisk/requests.ts';
import { tableText } from './table-text.ts';

export function tierText({ databases, refused, directory, usedBytes, sizeBytes }: TierList): string {
  const rows = databases.map(({ path, sizeBytes: bytes, lagMs, lagBytes, journal, trouble }) => [
    path,
    mebibytes(bytes),
    journal,
    lagMs === 0 ? 'up to date' : `${(lagMs / 1000).toFixed(1)} s, ${lagBytes} bytes behind`,
    trouble ?? '',
  ]);
  const table =
    rows.length === 0
      ? 'no database is in RAM\n'
      : tableText(['DATABASE', 'SIZE', 'JOURNAL', 'DURABLE COPY', ''], rows);
  const refusals = Object.entries(refused).map(([path, reason]) => `${path} cannot be opened: ${reason}\n`);
  return `${table}${refusals.join('')}${directory}: ${mebibytes(usedBytes)} of ${mebibytes(sizeBytes)} used\n`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
