// Compiles guard.c into dist/, for this machine's processor and for arm64 or x64 where a cross compiler is. Where that
// is impossible it says so and ends well: the program runs without the guard, with less SQL (README.md).
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;
const out = join(here, '../../../dist/server/executor/guard');
const headers = join(dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json')), 'deps/sqlite3');
const compilers = {
  x64: process.arch === 'x64' ? ['cc', 'gcc'] : ['x86_64-linux-gnu-gcc'],
  arm64: process.arch === 'arm64' ? ['cc', 'gcc'] : ['aarch64-linux-gnu-gcc'],
};
// -nostdlib: it uses the libc that the process has loaded, and asks for no version of it.
const flags = '-std=gnu11 -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -nostdlib'.split(' ');

mkdirSync(out, { recursive: true });
for (const [arch, names] of Object.entries(compilers)) {
  const library = join(out, `hoody_guard-${arch}.so`);
  // Executors that start meanwhile find the old one.
  const unfinished = `${library}.${process.pid}`;
  const args = [...flags, `-I${headers}`, join(here, 'guard.c'), '-o', unfinished];
  const isBuilt = names.some((name) => spawnSync(name, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0);
  if (isBuilt) renameSync(unfinished, library);
  else rmSync(library, { force: true });
  if (!isBuilt && arch === process.arch) {
    process.stderr.write(
      'guard.c could not be compiled: built without the SQL guard (apt-get install -y gcc libc6-dev)\n',
    );
  }
}
