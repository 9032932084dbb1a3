// What a process has open, by /proc: the paths behind its descriptors.
import { readdirSync, readlinkSync } from 'node:fs';

/** One path for each descriptor; that of a file without a name ends with ` (deleted)`. */
export function openPaths(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Files below `folder` that have no name any more. */
export function removedFilesHeldBy(pid: number | undefined, folder: string): string[] {
  return openPaths(pid ?? -1).filter((path) => path.startsWith(`${folder}/`) && path.endsWith(' (deleted)'));
}
