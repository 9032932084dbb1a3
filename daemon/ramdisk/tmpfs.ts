// The tmpfs itself: looks at the directory, reads how much memory there is, mounts.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { lastError, libcFunction, readMounts } from '../../fs/index.ts';
import { type DirectoryState, limitFiles, limitsOf, ramdiskBytes } from './plan.ts';

const MS_NOSUID = 2;
const MS_NODEV = 4;

const mount = libcFunction<[string, string, string, number, string]>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);

export function lookAt(directory: string): DirectoryState {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return 'absent';
  if (!found.isDirectory()) return 'other';
  if (readMounts().some(({ type, mountPoint }) => type === 'tmpfs' && mountPoint === directory)) return 'tmpfs';
  return readdirSync(directory).length === 0 ? 'empty' : 'files';
}

export function sizeForRamdisk(): number {
  const texts = limitFiles(textOf('/proc/self/cgroup')).map(textOf);
  return ramdiskBytes(totalmem(), limitsOf(texts));
}

/** Left mounted when the daemon ends: the files in it are the newest there are. */
export function mountTmpfs(directory: string, sizeBytes: number): void {
  mkdirSync(directory, { recursive: true });
  const options = `size=${sizeBytes},mode=1777`;
  if (mount('hoody-ramdisk', directory, 'tmpfs', MS_NOSUID | MS_NODEV, options) !== 0)
    throw lastError('mount', directory);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // no such control group, or none is seen here
  }
}
