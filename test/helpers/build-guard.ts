// Compiles the SQL guard before the fast tests, which need no other build.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

export function setup(): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../../server/executor/guard/build.mjs')]);
}
