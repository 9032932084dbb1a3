// The files below a directory as keys.
import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, opendir } from 'node:fs/promises';
import { ApiError } from '../../messages/errors.ts';
import { type Bounds, below, enter } from './handles.ts';

/** Names looked at by one listing, and how deep it goes. */
const entriesMax = 50_000;
const depthMax = 64;

export interface ListedFile {
  readonly key: string;
  readonly stat: BigIntStats;
}

/**
 * Keys in byte order. Symbolic links, names that are no UTF-8, other file systems and `closedNames` are left out.
 * @throws ApiError RESPONSE_TOO_LARGE
 */
export async function listFiles(
  base: FileHandle,
  bounds: Bounds,
  prefix: string,
  closedNames: readonly string[],
): Promise<string[]> {
  const keys: string[] = [];
  let seen = 0;
  const walk = async (directory: FileHandle, path: string, depth: number): Promise<void> => {
    // The names of a directory come with types, and those in bytes are typed as texts by Node's declarations.
    const entries = await opendir(below(directory, '.'), { encoding: 'buffer' as BufferEncoding });
    for await (const entry of entries) {
      seen += 1;
      if (seen > entriesMax) {
        throw new ApiError(
          'RESPONSE_TOO_LARGE',
          `the directory has more than ${entriesMax} entries; ask for a longer prefix`,
        );
      }
      const bytes = Buffer.from(entry.name);
      const name = bytes.toString();
      if (!isUtf8(bytes) || closedNames.includes(name)) continue;
      const key = path + name;
      if (entry.isFile() && key.startsWith(prefix)) keys.push(key);
      const isOnTheWay = prefix.startsWith(`${key}/`) || `${key}/`.startsWith(prefix);
      if (!entry.isDirectory() || !isOnTheWay || depth === depthMax) continue;
      const next = await enter(directory, name, bounds, false).catch(skipClosed);
      if (next === null) continue;
      try {
        await walk(next, `${key}/`, depth + 1);
      } finally {
        await next.close();
      }
    }
  };
  await walk(base, '', 0);
  return keys.sort(byBytes);
}

function skipClosed(error: unknown): null {
  const isClosed = error instanceof ApiError || (error instanceof Error && 'code' in error && error.code === 'EACCES');
  if (!isClosed) throw error;
  return null;
}

const astral = /[\ud800-\udfff]/;

/** UTF-16 has another order where characters need two units. */
function byBytes(one: string, other: string): number {
  if (astral.test(one) || astral.test(other)) return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return one < other ? -1 : 1;
}
