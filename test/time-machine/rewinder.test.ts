// A rewind is one ordinary transaction: programs of any SQLite version go on working under it, readers keep what they
// see, and nothing that is committed after it is lost.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomFrom } from '../helpers/seeded-random.ts';
import { tempMount } from '../helpers/temp-mount.ts';
import { runRounds } from './rewind-rounds.ts';

/** 200 in a soak run: test/soak/rewinder.test.ts. */
const rounds = 8;

/** Reproducible where a seed is given (SEED). */
const seed = Number(process.env.SEED ?? Date.now() % 1e6);

async function inDirectory<Result>(use: (root: string) => Promise<Result>): Promise<Result> {
  const root = mkdtempSync(join(tmpdir(), 'hoody-rewinder-'));
  mkdirSync(root, { recursive: true });
  try {
    return await use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test.each([512, 4096, 65_536])(
  'three programs write through rewinds of a database with pages of %d',
  async (pageBytes) => {
    const report = await inDirectory((root) =>
      runRounds({ root, pageBytes, rounds, writers: ['python', 'python', 'better-sqlite3'], random: randomFrom(seed) }),
    );
    expect(report.rewinds, `seed ${seed}`).toBe(rounds);
    expect(report.committed).toBeGreaterThan(rounds);
  },
);

test('three programs write through rewinds on a mount', async () => {
  const mount = await tempMount();
  try {
    const root = mount.mountPoint;
    const writers = ['python', 'python', 'better-sqlite3'] as const;
    const report = await runRounds({ root, pageBytes: 4096, rounds, writers, random: randomFrom(seed) });
    expect(report.rewinds, `seed ${seed}`).toBe(rounds);
  } finally {
    await mount.close();
  }
});

test('a rewinder that is killed at a random moment leaves the newest state or the old one, whole', async () => {
  const writers = ['python', 'better-sqlite3'] as const;
  const report = await inDirectory((root) =>
    runRounds({ root, pageBytes: 4096, rounds, writers, killed: 0.7, atLeastKills: 2, random: randomFrom(seed) }),
  );
  expect(report.kills, `seed ${seed}`).toBeGreaterThanOrEqual(2);
});

test('programs write through rewinds with a rollback journal, and a killed rewinder leaves a whole state', async () => {
  const mount = await tempMount();
  try {
    const root = mount.mountPoint;
    const writers = ['python', 'better-sqlite3'] as const;
    const rewound = { root, pageBytes: 4096, rounds: 3, writers, journalMode: 'DELETE', random: randomFrom(seed) };
    const report = await runRounds({ ...rewound, killed: 0.5, atLeastKills: 1 });
    expect(report.kills, `seed ${seed}`).toBeGreaterThanOrEqual(1);
    expect(report.rewinds, `seed ${seed}`).toBeGreaterThan(0);
  } finally {
    await mount.close();
  }
});
