// Compiles guard.c into dist/, for this machine's processor and for arm64 or x64 where a cross compiler is. Without a compiler it says
// so and ends well: the program runs without the guard, with less SQL (README.md).
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;
const out = join(here, '../../../dist/server/executor/guard');
const headers = join(dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json')), 'deps/sqlite3');
const compilers = {
  x64: process.arch === 'x64' ? ['cc', 'gcc'] : ['x86_64-linux-gnu-gcc'],
  arm64: process.arch === 'arm64' ? ['cc', 'gcc'] : ['aarch64-linux-gnu-gcc'],
};
// -nostdlib: it uses what the process has loaded, whichever libc that is, and asks for no version of it.
const flags = '-std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -nostdlib'.split(' ');

mkdirSync(out, { recursive: true });
for (const [arch, names] of Object.entries(compilers)) {
  const library = join(out, `hoody_guard-${arch}.so`);
  const args = [...flags, `-I${headers}`, join(here, 'guard.c'), '-o', library];
  const isBuilt = names.some((name) => {
    const { error, status } = spawnSync(name, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    if (error === undefined && status !== 0) process.exit(1);
    return error === undefined;
  });
  if (!isBuilt && arch === process.arch) process.stderr.write('no C compiler: built without the SQL guard\n');
}
