// The names of the files of one incarnation, and which of them count: after a crash an old form and a new form of the
// same commits may both be there.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A segment that is appended to: four files. Commits are in the order of `commits`; the others may be longer. */
export interface RawFiles {
  readonly commits: string;
  readonly numbers: string;
  readonly pages: string;
  readonly texts: string;
}

export const rawParts = ['pages', 'numbers', 'texts', 'commits'] as const;

/** A compressed segment: one file. */
export interface ClosedFile {
  readonly first: number;
  readonly last: number;
  readonly path: string;
}

export interface BaseFile {
  /** The first commit whose state can be had. */
  readonly validFrom: number;
  readonly path: string;
  /** Of the boot in which it was made; undefined: it is on the disk. */
  readonly bootId: string | undefined;
  /** Commits up to its number are being written into it. */
  readonly isFolding: boolean;
}

export interface LogFiles {
  readonly base: BaseFile | undefined;
  /** Of the base's pages, by the base's number. */
  readonly sums: ReadonlyMap<number, string>;
  /** Ascending, without overlaps. */
  readonly closed: readonly ClosedFile[];
  /** Numbers of the first commits of raw segments, ascending, that no closed one covers. */
  readonly raw: readonly number[];
  /** Replaced by others, or never finished. */
  readonly leftovers: readonly string[];
}

export const identityFile = 'incarnation.json';
export const rewindsFile = 'rewinds';
/** Of files whose content nothing vouches for. */
export const damagedEnding = '.damaged';
export const unfinishedBase = 'base.copying';
const foldingEnding = '.folding';

const digits = 12;

function padded(number: number): string {
  return String(number).padStart(digits, '0');
}

export function rawFiles(folder: string, first: number): RawFiles {
  const path = (part: (typeof rawParts)[number]): string => join(folder, `${padded(first)}.${part}`);
  return { commits: path('commits'), numbers: path('numbers'), pages: path('pages'), texts: path('texts') };
}

export function closedPath(folder: string, first: number, last: number): string {
  return join(folder, `${padded(first)}-${padded(last)}.closed`);
}

export function basePath(folder: string, validFrom: number, bootId?: string): string {
  return join(folder, `base-${padded(validFrom)}${bootId === undefined ? '' : `.${bootId}`}`);
}

export function foldingBasePath(folder: string, validFrom: number): string {
  return `${basePath(folder, validFrom)}${foldingEnding}`;
}

export function sumsPath(folder: string, validFrom: number): string {
  return join(folder, `sums-${padded(validFrom)}`);
}

export function listLog(folder: string): LogFiles {
  const names = readdirSync(folder).sort();
  const bases: BaseFile[] = [];
  const closed: ClosedFile[] = [];
  const raw = new Map<number, string[]>();
  const sums = new Map<number, string>();
  const leftovers: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const base = /^base-(\d{12})(\.folding)?(?:\.([0-9a-f]+))?$/.exec(name);
    const range = /^(\d{12})-(\d{12})\.closed$/.exec(name);
    const part = /^(\d{12})\.(pages|numbers|texts|commits)$/.exec(name);
    const sum = /^sums-(\d{12})$/.exec(name);
    if (base !== null) {
      bases.push({ validFrom: Number(base[1]), path, bootId: base[3], isFolding: base[2] !== undefined });
    } else if (range !== null) closed.push({ first: Number(range[1]), last: Number(range[2]), path });
    else if (part !== null) raw.set(Number(part[1]), [...(raw.get(Number(part[1])) ?? []), path]);
    else if (sum !== null) sums.set(Number(sum[1]), path);
    else if (name.endsWith('.new') || name.startsWith(unfinishedBase)) leftovers.push(path);
  }
  const counting = closed.filter((file) => !closed.some((other) => covers(other, file)));
  leftovers.push(...closed.filter((file) => !counting.includes(file)).map(({ path }) => path));
  const rawFirsts: number[] = [];
  for (const [first, paths] of raw) {
    if (counting.some((file) => file.first <= first && first <= file.last)) leftovers.push(...paths);
    else rawFirsts.push(first);
  }
  const base = bases.at(-1);
  leftovers.push(...bases.slice(0, -1).map(({ path }) => path));
  return { base, sums, closed: counting, raw: rawFirsts.sort((a, b) => a - b), leftovers };
}

function covers(other: ClosedFile, file: ClosedFile): boolean {
  return other !== file && other.first <= file.first && file.last <= other.last;
}
