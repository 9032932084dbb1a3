// The version in package.json, which lies two folders above the sources and three above the compiled program.
import { existsSync, readFileSync } from 'node:fs';

export function programVersion(): string {
  const places = ['../../package.json', '../../../package.json'].map((place) => new URL(place, import.meta.url));
  const found = places.find((place) => existsSync(place));
  const { version } = JSON.parse(found ? readFileSync(found, 'utf8') : '{}') as { version?: string };
  return version ?? 'unknown';
}
