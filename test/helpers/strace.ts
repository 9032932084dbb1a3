// Watches the system calls of a process, and makes them slow or deadly, as strace(1) does it: a disk that takes its
// time, or a process that ends in one certain moment.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from './eventually.ts';
import { isAlive, start } from './process.ts';

const detachMs = 1_000;

export interface Traced {
  /** The calls so far, one a line. */
  calls(): string;
}

/** `args` as of strace, such as `-e`, `inject=fsync:delay_enter=200000`. Attached to all threads while `test` runs. */
export async function traced<T>(
  pid: number,
  args: readonly string[],
  test: (traced: Traced) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-strace-'));
  const output = join(folder, 'calls');
  const strace = start('strace', ['-f', '-y', '-p', String(pid), '-o', output, ...args]);
  try {
    await eventually(() => expect(strace.stderr()).toContain('attached'));
    return await test({ calls: () => readFileSync(output, 'utf8') });
  } finally {
    // It may wait for ever for a process that was stopped and killed.
    strace.process.kill((await isAlive(pid)) ? 'SIGINT' : 'SIGKILL');
    const timer = setTimeout(() => strace.process.kill('SIGKILL'), detachMs);
    await strace.exited;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  }
}
