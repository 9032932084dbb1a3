// Fifty ends of all processes with databases in RAM, half of them with a reboot of the host. Rounds: RAMDISK_ROUNDS.
import { test } from 'vitest';
import { moveThroughPhases, moveUnderKills } from '../ramdisk/killed-moves.ts';
import { killBehindSteps } from '../ramdisk/move-rounds.ts';
import { moveInPauses } from '../ramdisk/paused-moves.ts';
import { endUnderLoad, rebootUnderLoad } from '../ramdisk/rounds.ts';

const rounds = Number(process.env.RAMDISK_ROUNDS ?? 50);

test(`${rounds} ends under load`, { timeout: rounds * 120_000 }, async () => {
  for (let round = 0; round < rounds; round++) {
    const commits = 1 + Math.floor(Math.random() * 200);
    const sinceMs = performance.now();
    const isReboot = round % 2 === 0;
    const facts = isReboot ? await rebootUnderLoad(commits) : await endUnderLoad(commits);
    const seconds = Math.round((performance.now() - sinceMs) / 1000);
    process.stdout.write(
      `round ${round + 1} of ${rounds}, ${seconds} s: ${isReboot ? 'reboot' : 'restart'}, ${facts}\n`,
    );
  }
});

test.each([
  ['fs', 'ram'],
  ['fs', 'disk'],
  ['tier', 'ram'],
  ['tier', 'disk'],
] as const)(
  'everything is killed behind each step of the process %s in a move to %s',
  { timeout: 600_000 },
  async (role, to) => {
    for (const isReboot of [false, true]) await killBehindSteps(role, to, isReboot, 12);
  },
);

test('200 MB move both ways in pauses of four programs that write and two that read', {
  timeout: 600_000,
}, async () => {
  const tookMs = await moveInPauses(200_000_000, 10);
  process.stdout.write(`moves took ${tookMs.join(', ')} ms\n`);
});

test.each(['fs', 'tier', 'supervisor', 'all'] as const)(
  '200 MB move while four programs write and two read, and %s is killed at any moment of a move',
  { timeout: 3_600_000 },
  async (victim) => {
    const told = await moveUnderKills(victim, 200_000_000, Number(process.env.RAMDISK_KILLS ?? 20));
    process.stdout.write(`${told.join('\n')}\n`);
  },
);

test.each(['own', 'supervisor', 'all'] as const)(
  '200 MB move while four programs write and two read, and %s is killed in each phase of a move',
  { timeout: 1_800_000 },
  async (victim) => {
    const told = await moveThroughPhases([victim], 200_000_000);
    process.stdout.write(`${told.join('\n')}\n`);
  },
);
