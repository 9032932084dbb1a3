// Two projects: `fast` needs nothing but Node; `real` uses a real mount, real processes and clients, one file at a
// time. The long loops of test/soak join `real` when HOODY_SQLITE_SOAK is set (npm run soak).
import { resolve } from 'node:path';
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
const soak = process.env.HOODY_SQLITE_SOAK ? [] : ['test/soak/**'];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: fast, testTimeout: 20_000, globalSetup: 'test/helpers/build-guard.ts' } },
      {
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [...fast, ...soak],
          fileParallelism: false,
          maxConcurrency: 10,
          alias: { typescript: resolve(import.meta.dirname, 'test/helpers/typescript-5.ts') },
          server: { deps: { inline: ['openapi-typescript'] } },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
