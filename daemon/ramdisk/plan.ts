// What is to be done about the tmpfs for databases in RAM, and how large it becomes. Pure.

export interface RamdiskFacts {
  /** `auto`, `off` or a directory. */
  readonly wanted: string;
  /** A glob or a kept choice asks for RAM. */
  readonly isAskedFor: boolean;
  readonly directory: DirectoryState;
  readonly mayMount: boolean;
  /** Why databases in RAM are impossible on this mount; undefined: they are not. */
  readonly obstacle: string | undefined;
}

/** `tmpfs`: one is mounted there. `files`: another directory, with files in it. `other`: it is no directory. */
export type DirectoryState = 'tmpfs' | 'absent' | 'empty' | 'files' | 'other';

export type RamdiskPlan =
  | { readonly action: 'none' /** What an operator should know. */; readonly reason?: string }
  | { readonly action: 'use' | 'mount'; readonly directory: string };

export const defaultRamdisk = '/ramdisk';

export function planRamdisk({ wanted, isAskedFor, directory, mayMount, obstacle }: RamdiskFacts): RamdiskPlan {
  if (wanted === 'off') {
    return isAskedFor ? { action: 'none', reason: 'the tier is switched off by --ramdisk off' } : { action: 'none' };
  }
  const isExplicit = wanted !== 'auto';
  const path = isExplicit ? wanted : defaultRamdisk;
  if (!isExplicit && !isAskedFor) return { action: 'none' };
  const none = (reason: string): RamdiskPlan => ({ action: 'none', reason });
  if (obstacle !== undefined) return none(obstacle);
  if (directory === 'tmpfs') return { action: 'use', directory: path };
  if (directory === 'files')
    return none(`${path} holds files: nothing is mounted over them; empty it or choose another`);
  if (directory === 'other') return none(`${path} is no directory`);
  if (!mayMount) return none(`no tmpfs is mounted on ${path}, and this user may not mount one`);
  return { action: 'mount', directory: path };
}

/** Half of the memory, or of the control group's limit where that is lower. Whole pages. */
export function ramdiskBytes(memoryBytes: number, limitsBytes: readonly number[]): number {
  const pageBytes = 4096;
  return Math.floor(Math.min(memoryBytes, ...limitsBytes) / 2 / pageBytes) * pageBytes;
}

/** Limits of memory in the control groups of a process: the texts of their files, `max` for none. */
export function limitsOf(texts: readonly string[]): number[] {
  return texts
    .map((text) => text.trim())
    .filter((text) => /^\d+$/.test(text))
    .map(Number);
}

/** Where the limits of a process stand, from `/proc/self/cgroup`: of its control group and of all above. */
export function limitFiles(cgroup: string): string[] {
  return cgroup.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) return [];
    if (controllers !== '' && !controllers.split(',').includes('memory')) return [];
    const [root, file] =
      controllers === '' ? ['/sys/fs/cgroup', 'memory.max'] : ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'];
    const parts = path.split('/').filter((part) => part !== '' && part !== '..');
    return [...parts.keys(), parts.length].map((depth) => [root, ...parts.slice(0, depth), file].join('/'));
  });
}
