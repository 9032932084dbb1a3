// As test/time-machine/rewinder.test.ts, with 200 rewinds each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempMount } from '../helpers/temp-mount.ts';
import { runRounds } from '../time-machine/rewind-rounds.ts';

const rounds = 200;
const writers = ['python', 'python', 'better-sqlite3'] as const;
const timeoutMs = 1_200_000;

test.each([
  [512, 0],
  [4096, 0],
  [4096, 0.7],
  [65_536, 0],
])(
  '200 rewinds of a database with pages of %d, killed in the share %d',
  async (pageBytes, killed) => {
    const root = mkdtempSync(join(tmpdir(), 'hoody-rewinder-'));
    try {
      const report = await runRounds({ root, pageBytes, rounds, writers, killed, random: Math.random });
      expect(report.rewinds + report.kills).toBe(rounds);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
  timeoutMs,
);

test(
  '200 rewinds on a mount',
  async () => {
    const mount = await tempMount();
    try {
      const root = mount.mountPoint;
      const report = await runRounds({ root, pageBytes: 4096, rounds, writers, random: Math.random });
      expect(report.rewinds).toBe(rounds);
    } finally {
      await mount.close();
    }
  },
  timeoutMs,
);
