// `hoody-sqlite archive status` for a person.
import type { ArchiveStatus } from '../../fs/index.ts';
import type { ArchiveSummary } from '../archive/summary.ts';
import { localTime } from './past-text.ts';
import { bytesText, keptText } from './status-text.ts';
import { tableText } from './table-text.ts';

export function archiveText({ databases }: ArchiveStatus, summary: ArchiveSummary): string {
  const total = `${keptText(summary)}\n`;
  if (databases.length === 0) return total;
  const heads = ['database', 'state', 'commits', 'oldest', 'newest', 'size', 'unread', 'gaps'];
  const rows = databases.map(({ name, state, reason, commits, oldestMs, newestMs, bytes: size, lagBytes, gaps }) => [
    name,
    reason === undefined ? state : `${state}: ${reason}`,
    String(commits),
    timeText(oldestMs),
    timeText(newestMs),
    bytesText(size),
    bytesText(lagBytes),
    String(gaps),
  ]);
  return tableText(heads, rows, ['commits', 'size', 'unread', 'gaps']) + total;
}

function timeText(timeMs: number | null): string {
  return timeMs === null ? '' : localTime(new Date(timeMs).toISOString());
}
