// Write-ahead logs that the last close of a database has deleted: the mount has put them aside with their indexes, in
// the order in which they ended (keepLog in fs/nodes/ram-names.ts). The index is deleted before its log.
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftDigits } from '../nodes/ram-names.ts';
import type { Place, Position } from './place.ts';
import { RamLog } from './ram-log.ts';

/** File names of logs and indexes of one database, the oldest first. */
export function leftLogNames({ folder, name }: Place): readonly string[] {
  const mine = [`.${name}-wal`, `.${name}-shm`];
  return readdirSync(join(folder, 'left'))
    .filter((file) => mine.includes(file.slice(leftDigits)))
    .sort();
}

/** One for each log; undefined: it has no index of its own, so nobody knows what of it is committed. */
export function openLeftLogs({ folder }: Place, names: readonly string[]): readonly (RamLog | undefined)[] {
  const logs: (RamLog | undefined)[] = [];
  let index: string | undefined;
  for (const name of names) {
    if (name.endsWith('-shm')) {
      index = name;
      continue;
    }
    logs.push(index === undefined ? undefined : new RamLog(join(folder, 'left', name), join(folder, 'left', index)));
    index = undefined;
  }
  return logs;
}

/**
 * Puts a log that goes on aside as if it had ended: what of it lies behind `from`, up to its last commit. Returns how
 * far that is; undefined where it cannot be done now.
 */
export function keepLiveLog(place: Place, from: Position | undefined): Position | undefined {
  const { folder, name, ram } = place;
  const log = new RamLog(`${ram}-wal`, `${ram}-shm`);
  try {
    const committed = log.state === 'open' ? log.committed() : undefined;
    if (committed === undefined) return undefined;
    const { index, header } = committed;
    const { indexBytes } = log;
    const isSame = from !== undefined && from.salt1 === index.salt1 && from.salt2 === index.salt2;
    const number = process.hrtime.bigint().toString().padStart(leftDigits, '0');
    const unfinished = join(folder, 'left', 'unfinished');
    if (!log.copyPart(header, isSame ? from.frames : 0, index.lastFrame, `${unfinished}-wal`)) return undefined;
    writeFileSync(`${unfinished}-shm`, indexBytes);
    for (const suffix of ['-shm', '-wal']) {
      renameSync(`${unfinished}${suffix}`, join(folder, 'left', `${number}.${name}${suffix}`));
    }
    return { salt1: index.salt1, salt2: index.salt2, frames: index.lastFrame };
  } finally {
    log.close();
  }
}

export function sizeOfLeftLogs({ folder }: Place, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + statSync(join(folder, 'left', name)).blocks * 512, 0);
}

export function dropLeftLogs({ folder }: Place, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, 'left', name), { force: true });
}
