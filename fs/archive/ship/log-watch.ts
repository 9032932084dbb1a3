// Notices commits by the lengths of the logs' files, beside the archive process that appends to them.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readIdentity } from '../log/identity.ts';
import { listLog, rawFiles } from '../log/log-files.ts';
import { incarnationFolders } from '../log/log-store.ts';

export interface Watched {
  /** The path below the data directory. */
  readonly name: string;
  /** Of its newest incarnation. */
  readonly folder: string;
  /** Another one whenever something was appended. */
  readonly sign: string;
  /** Bytes of pages that were appended since the watch began. */
  readonly appendedBytes: number;
}

interface Folder {
  changedMs: number;
  name: string;
  namedMs: number;
  /** First commit of the segment that is appended to. */
  raw: number | undefined;
  pagesBytes: number;
  appendedBytes: number;
  sign: string;
}

/** A folder that was changed so shortly ago may change again without another time. */
const freshMs = 1_000;

export class LogWatch {
  readonly #archiveDir: string;
  readonly #folders = new Map<string, Folder>();

  constructor(archiveDir: string) {
    this.#archiveDir = archiveDir;
  }

  /** All databases that have a log, by their names. */
  look(): ReadonlyMap<string, Watched> {
    const found = new Map<string, Watched & { readonly namedMs: number }>();
    const paths = incarnationFolders(this.#archiveDir);
    for (const path of this.#folders.keys()) if (!paths.includes(path)) this.#folders.delete(path);
    for (const path of paths) {
      const folder = this.#lookAt(path);
      if (folder === undefined) continue;
      const { name, namedMs, sign, appendedBytes } = folder;
      const other = found.get(name);
      if (other === undefined || namedMs >= other.namedMs) {
        found.set(name, { name, namedMs, folder: path, sign: `${path} ${sign}`, appendedBytes });
      }
    }
    return found;
  }

  /** undefined: it is not whole, or was removed a moment ago. */
  #lookAt(path: string): Folder | undefined {
    try {
      const known = this.#folders.get(path);
      const changedMs = statSync(path).mtimeMs;
      const isKnown = known !== undefined && known.changedMs === changedMs && Date.now() - changedMs > freshMs;
      const folder = isKnown ? known : this.#read(path, changedMs, known);
      this.#folders.set(path, folder);
      measure(path, folder);
      return folder;
    } catch {
      this.#folders.delete(path);
      return undefined;
    }
  }

  #read(path: string, changedMs: number, known: Folder | undefined): Folder {
    const { name, namedMs } = readIdentity(path);
    const raw = listLog(path).raw.at(-1);
    const before = known ?? { pagesBytes: 0, appendedBytes: 0, sign: '' };
    return { ...before, changedMs, name, namedMs, raw, pagesBytes: known?.raw === raw ? before.pagesBytes : 0 };
  }
}

function measure(path: string, folder: Folder): void {
  if (folder.raw === undefined) {
    folder.sign = readdirSync(path).find((name) => name.endsWith('.closed')) ?? '';
    return;
  }
  const files = rawFiles(path, folder.raw);
  const { size } = statSync(files.commits);
  const sign = `${folder.raw} ${size}`;
  if (sign === folder.sign) return;
  const pagesBytes = statSync(join(files.pages)).size;
  folder.appendedBytes += Math.max(0, pagesBytes - folder.pagesBytes);
  folder.pagesBytes = pagesBytes;
  folder.sign = sign;
}
