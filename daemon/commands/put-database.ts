// Puts a sound database file in the place of a database.
import { rmSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { createProgressBar } from '../cli/progress-bar.ts';
import { copyDatabase, copyWithPageSize, pageBytesOf } from '../databases/copy.ts';
import { setLeftoversAside } from '../databases/leftovers.ts';
import { createUnfinishedFile, finishFile, removeUnfinishedFile, takeAccessOf } from '../databases/unfinished-file.ts';

/**
 * SQLite writes pages of one size into a WAL database that is in use: the saved one is converted first where it
 * differs.
 */
export async function replaceContent(saved: string, database: string, folder: () => string): Promise<number> {
  const pageBytes = pageBytesOf(database, false);
  if (pageBytesOf(saved, true) === pageBytes) return await copyWithBar(saved, database);
  const converted = join(folder(), `converted-${basename(saved)}`);
  copyWithPageSize(saved, converted, pageBytes);
  return await copyWithBar(converted, database);
}

/** The database has its name only once it is complete; one that appears meanwhile is left alone. */
export async function createFrom(
  saved: string,
  access: Stats,
  database: string,
  hasEmptyFile: boolean,
): Promise<number> {
  const unfinished = createUnfinishedFile(database);
  try {
    const sizeBytes = await copyWithBar(saved, unfinished);
    takeAccessOf(unfinished, access);
    finishNew(unfinished, database, hasEmptyFile);
    return sizeBytes;
  } finally {
    removeUnfinishedFile(unfinished);
  }
}

/** Gives a complete file its name, which nothing has but an empty file (`hasEmptyFile`). */
export function finishNew(unfinished: string, database: string, hasEmptyFile: boolean): void {
  if (hasEmptyFile) rmSync(database);
  const leftovers = setLeftoversAside(database, new Date());
  if (leftovers !== null) {
    process.stderr.write(
      `hoody-sqlite: files of an earlier ${basename(database)} were beside it; they are ${leftovers}-wal or -journal now\n`,
    );
  }
  finishFile(unfinished, database, false);
}

async function copyWithBar(from: string, to: string): Promise<number> {
  const bar = createProgressBar(process.stderr);
  try {
    return await copyDatabase({ from, isSaved: true, to, onProgress: bar.show });
  } finally {
    bar.end();
  }
}
