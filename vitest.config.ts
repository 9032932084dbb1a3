// Three projects. `fast` needs nothing but Node. `real` uses real mounts, real processes and clients, two files at a
// time, since they wait more than they compute. `alone` are those of them that measure time or memory, one file at a
// time: their first lines say `// Runs alone: ...`. `npm run soak` adds the long loops of test/soak.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const fast = [
  'test/architecture.test.ts',
  'test/mutations.test.ts',
  'test/pages.test.ts',
  'test/bench/**/*.test.ts',
  'test/fs/**/*.test.ts',
  'test/server/**/*.test.ts',
  'test/studio/**/*.test.ts',
  'test/daemon/**/*.test.ts',
];
const soak = 'test/soak/**/*.test.ts';
const alone = readdirSync(resolve(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join('test', name))
  .filter((file) => /^\/\/ Runs alone: /m.test(readFileSync(resolve(import.meta.dirname, file), 'utf8')));
const inRealLife = {
  maxConcurrency: 10,
  alias: { typescript: resolve(import.meta.dirname, 'test/helpers/typescript-5.ts') },
  server: { deps: { inline: ['openapi-typescript'] } },
  testTimeout: 300_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: fast, testTimeout: 20_000, globalSetup: 'test/helpers/build-guard.ts' } },
      {
        test: {
          ...inRealLife,
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [...fast, soak, ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...inRealLife,
          name: 'alone',
          include: [...alone, ...(process.env.HOODY_SQLITE_SOAK ? [soak] : [])],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
