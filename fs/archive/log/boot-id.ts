// Tells a power cut from the death of a process: what was written but not synced survives only the latter.
import { readFileSync } from 'node:fs';

let known: string | undefined;

/** Of the running kernel, hexadecimal. */
export function bootId(): string {
  known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll(/[^0-9a-f]/g, '');
  return known;
}
