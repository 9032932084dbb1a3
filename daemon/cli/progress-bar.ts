// A bar on the terminal for copies that take a while. Nothing where the output is no terminal.
import type { CopyProgress } from '../databases/copy.ts';
import { bytesText } from './status-text.ts';

const widthCells = 30;
const redrawMs = 100;

export interface ProgressBar {
  readonly show: (progress: CopyProgress) => void;
  /** Removes the bar. */
  readonly end: () => void;
}

export function createProgressBar(output: NodeJS.WriteStream): ProgressBar {
  if (!output.isTTY) return { show: () => {}, end: () => {} };
  const startedAtMs = performance.now();
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  return {
    show: ({ doneBytes, totalBytes }) => {
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < redrawMs) return;
      drawnAtMs = nowMs;
      const cells = Math.round((widthCells * doneBytes) / totalBytes);
      const perSecond = bytesText((doneBytes * 1000) / Math.max(1, nowMs - startedAtMs));
      output.write(
        `\r\x1b[K[${'#'.repeat(cells).padEnd(widthCells, '.')}] ${bytesText(doneBytes)} of ${bytesText(totalBytes)}, ${perSecond}/s`,
      );
    },
    end: () => output.write('\r\x1b[K'),
  };
}
