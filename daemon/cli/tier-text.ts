// Databases in RAM, for people.
import type { Holder, TierList } from '../ramdisk/requests.ts';
import type { TierName } from '../ramdisk/tier-names.ts';
import { tableText } from './table-text.ts';

export function tierText({ databases, refused, pending, directory, usedBytes, sizeBytes }: TierList): string {
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
  const waiting = Object.entries(pending).map(([path, { tier, holders }]) => waitingText(path, tier, holders));
  const room =
    sizeBytes === 0
      ? 'mounted when a database is chosen (hoody-sqlite tier set NAME ram)'
      : `${mebibytes(usedBytes)} of ${mebibytes(sizeBytes)} used`;
  return `${table}${refusals.join('')}${waiting.join('')}${directory}: ${room}\n`;
}

/** `holders`: they keep it from moving now. */
export function setTierText(path: string, tier: TierName, isMoved: boolean, holders: readonly Holder[]): string {
  if (holders.length > 0) return waitingText(path, tier, holders);
  return `${path} is ${tier === 'ram' ? 'in RAM' : 'on the disk'} ${isMoved ? 'now' : 'already'}\n`;
}

function waitingText(path: string, tier: TierName, holders: readonly Holder[]): string {
  const who = holders.map(({ pid, command }) => `${command} (pid ${pid})`).join(', ');
  const until = who === '' ? 'soon' : `when it is closed by ${who}`;
  return `${path} moves ${tier === 'ram' ? 'into RAM' : 'to the disk'} ${until}\n`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
