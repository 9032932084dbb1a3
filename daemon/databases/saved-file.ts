// A file that somebody saved, as restore reads it: never changed, whatever SQLite would do to it. SQLite cannot read
// some files in place (a WAL database in a read-only folder, one with a journal to roll back): those are read from a
// copy.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CommandError } from '../errors.ts';
import { checkDatabase } from './copy.ts';
import { filesOf } from './name.ts';

/**
 * Runs `use` with a path at which the saved database is readable and sound.
 * @param workFolder a copy that is needed is made below it, and removed in the end
 * @throws CommandError when the file is no sound database
 */
export async function withSavedFile<T>(
  saved: string,
  workFolder: string,
  use: (readable: string, folder: () => string) => Promise<T>,
): Promise<T> {
  let made: string | undefined;
  const folder = (): string => {
    made ??= mkdtempSync(join(workFolder, '.restoring-'));
    return made;
  };
  try {
    return await use(readablePath(saved, folder), folder);
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true });
  }
}

function readablePath(saved: string, folder: () => string): string {
  try {
    checkDatabase(saved, { isSaved: true });
    return saved;
  } catch (error) {
    if (!(error instanceof CommandError) || !existsSync(saved)) throw error;
    const copy = join(folder(), basename(saved));
    filesOf(saved).forEach((file, index) => {
      if (existsSync(file)) copyFileSync(file, filesOf(copy)[index] ?? '');
    });
    try {
      checkDatabase(copy, { isSaved: false });
    } catch {
      throw error; // the first error names the file that the operator knows
    }
    return copy;
  }
}
