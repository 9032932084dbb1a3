// The kinds of values that options have: each is a text that is checked and turned into what the program works with.
import { resolve } from 'node:path';
import type { LockLimits } from '../../fs/index.ts';

/** Throws an Error whose message completes the sentence "--flag VALUE: ...". */
export type Parse<T> = (text: string) => T;

export const path: Parse<string> = (text) => {
  if (text === '') throw new Error('expected a path');
  return resolve(text);
};

/** Named here as well, so that `help` need not load fs/; the compiler sees to it that none is missing. */
const lockLimitNames: Readonly<Record<keyof LockLimits, true>> = {
  queueMs: true,
  blockingMs: true,
  behindLongMs: true,
  commitMs: true,
  shortMs: true,
  episodeGapMs: true,
  youngMs: true,
  youngStepMs: true,
  youngMostMs: true,
  hotMs: true,
  gateIdleMs: true,
  readerProof: true,
  executableDoubtMs: true,
  retryMs: true,
  sliceMs: true,
  sliceGapMs: true,
  pollEdgeMs: true,
  foreignPollMs: true,
  unreadCheckpointMs: true,
  unreadRestartMs: true,
  unreadLogBytes: true,
  unreadPollMs: true,
  unreadPauseMs: true,
  autoCheckpointMs: true,
  fenceMs: true,
  longHolderMs: true,
};

/** `name=number` pairs divided by commas. */
export const lockLimits: Parse<Partial<LockLimits>> = (text) => {
  const limits: Record<string, number> = {};
  for (const pair of list(text)) {
    const [name = '', number = ''] = pair.split('=');
    const value = Number(number);
    if (!Object.hasOwn(lockLimitNames, name)) {
      throw new Error(`"${name}" is none of ${Object.keys(lockLimitNames).join(', ')}`);
    }
    if (number === '' || !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new Error(`expected ${name}=NUMBER, a number of 0 or more`);
    }
    limits[name] = value;
  }
  return limits;
};

export const list: Parse<readonly string[]> = (text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Directories below the data directory: `DIR`, `DIR/` or `DIR/**`. What lies inside another one is left out. */
export const directoriesBelow: Parse<readonly string[]> = (text) => {
  const directories = list(text).map(directoryBelow);
  const isCovered = (directory: string) => directories.some((other) => directory.startsWith(`${other}/`));
  return [...new Set(directories)].filter((directory) => !isCovered(directory));
};

function directoryBelow(glob: string): string {
  const directory = glob.replace(/\/(\*\*)?$/, '');
  if (directory === '**' || directory === '') throw new Error('for the whole mount there is --locks kernel');
  if (/[*?]/.test(directory)) throw new Error(`"${glob}" is no whole directory such as analytics/**`);
  if (glob.startsWith('/') || directory.split('/').some((name) => name === '' || name === '.' || name === '..')) {
    throw new Error(`"${glob}" is no path below the data directory such as analytics/**`);
  }
  return directory;
}

export function oneOf<T extends string>(allowed: readonly T[]): Parse<T> {
  return (text) => {
    const found = allowed.find((value) => value === text);
    if (found === undefined) throw new Error(`expected one of ${allowed.join(', ')}`);
    return found;
  };
}

export function integer(least: number, most: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new Error(`expected a whole number from ${least} to ${most}`);
    return value;
  };
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
export const sizeBytes: Parse<number> = (text) => {
  const match = /^(\d{1,12})([kmgt]?)(?:i?b)?$/i.exec(text);
  if (!match) throw new Error('expected a number of bytes such as 1048576 or 16MiB');
  const size = Number(match[1]) * (sizeUnits[(match[2] ?? '').toLowerCase()] ?? 1);
  if (size < 1) throw new Error('expected at least one byte');
  return size;
};

/** The shortest text that `sizeBytes` reads as this number. */
export function sizeText(bytes: number): string {
  const unit = ['g', 'm', 'k'].find((one) => bytes > 0 && bytes % (sizeUnits[one] ?? 1) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (sizeUnits[unit] ?? 1)}${unit.toUpperCase()}iB`;
}

/** Below it an executor cannot even start. */
const executorMemoryMinBytes = 256 * 2 ** 20;
export const executorMemory: Parse<number> = (text) => {
  const size = sizeBytes(text);
  if (size < executorMemoryMinBytes) throw new Error('expected at least 256MiB');
  return size;
};

/** chmod(1)'s numbers. */
export const fileMode: Parse<number> = (text) => {
  if (!/^0?[0-7]{3}$/.test(text)) throw new Error('expected a mode of three octal digits such as 660');
  return Number.parseInt(text, 8);
};

export const name: Parse<string> = (text) => {
  if (!/^[^\s:,/]+$/.test(text)) throw new Error('expected a name');
  return text;
};

/** Where something is kept. What of the rest is wrong says whoever opens it. */
export const place: Parse<string | undefined> = (text) => {
  if (text === 'off') return undefined;
  if (!/^(\/|file:\/\/|s3:\/\/)/.test(text)) throw new Error('expected file:///FOLDER, s3://BUCKET/PREFIX or off');
  if (/^[^/]*:\/\/[^/?#]*@|\?.*@|[?&][^=&]*(key|secret|token|password|signature|credential)/i.test(text)) {
    throw new Error(
      'a key or a password may not stand there, since every user of this machine can read it: ' +
        'put it into the environment or a file, as docs/shipping.md says',
    );
  }
  return text;
};

export const secondsPerDay = 86_400;
const durationUnits: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: secondsPerDay };
export const durationSeconds: Parse<number> = (text) => {
  const match = /^(\d{1,10})([smhd]?)$/.exec(text);
  if (!match) throw new Error('expected a number of seconds, or one with a unit such as 10s, 5m, 12h, 30d');
  return Number(match[1]) * (durationUnits[match[2] ?? ''] ?? 1);
};

/** The same for `durationSeconds`. */
export function durationText(seconds: number): string {
  const unit = ['d', 'h', 'm'].find((one) => seconds > 0 && seconds % (durationUnits[one] ?? 1) === 0);
  if (unit !== undefined) return `${seconds / (durationUnits[unit] ?? 1)}${unit}`;
  return seconds === 0 ? '0' : `${seconds}s`;
}

export const yesOrNo: Parse<boolean> = (text) => {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Error('expected true or false');
};
