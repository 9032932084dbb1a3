// The version of the program: the one that runs, and the one that is installed, which an upgrade makes another one.
// package.json lies one folder above the sources and two above the compiled program.
import { existsSync, readFileSync } from 'node:fs';

/** As package.json says now. */
export function installedVersion(): string {
  const places = ['../package.json', '../../package.json'].map((place) => new URL(place, import.meta.url));
  const found = places.find((place) => existsSync(place));
  const { version } = JSON.parse(found ? readFileSync(found, 'utf8') : '{}') as { version?: string };
  return version ?? 'unknown';
}

const running = installedVersion();

/** Of this process. */
export function programVersion(): string {
  return running;
}
