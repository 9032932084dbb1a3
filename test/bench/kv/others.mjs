// What share of the processors somebody else uses, while this program waits.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Beyond it the figures are those of a busy machine. */
export const busyShare = 0.15;

/** 0 to 1, over so many milliseconds. */
export async function othersShare(ms) {
  const before = ticks();
  await sleep(ms);
  const after = ticks();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

/** Of all processors together. https://man7.org/linux/man-pages/man5/proc_stat.5.html */
function ticks() {
  const words = readFileSync('/proc/stat', 'latin1').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: words.reduce((sum, value) => sum + value, 0), idle: words[3] + words[4] };
}
