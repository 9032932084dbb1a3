// Which databases belong in RAM: what was chosen for a path comes before the globs. Pure.
import { matcherOf } from './globs.ts';
import type { RamdiskOptions } from './messages.ts';

/** `path` below the data directory. */
export type Chooser = (path: string) => boolean;

/** `chosen`: as it is whenever the chooser is asked. */
export function chooserOf(globs: readonly string[], chosen: () => RamdiskOptions['chosen']): Chooser {
  const matches = globs.length === 0 ? () => false : matcherOf(globs, []);
  return (path) => (chosen()[path] ?? (matches(path) ? 'ram' : 'disk')) === 'ram';
}
