// What runs the outside judge (judge.py): Litestream's own reader, an extension of SQLite.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const extension: string = createRequire(import.meta.url)('litestream-vfs').getLoadablePath();
export const judge = join(import.meta.dirname, 'judge.py');

/** Not every Python can load extensions of SQLite. */
export const python = ['/usr/bin/python3', 'python3'].find((path) => {
  const script = 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension(True)';
  return spawnSync(path, ['-c', script]).status === 0;
});
