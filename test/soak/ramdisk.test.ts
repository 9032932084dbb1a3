// Fifty ends of all processes with databases in RAM, half of them with a reboot of the host. Rounds: RAMDISK_ROUNDS.
import { test } from 'vitest';
import { endUnderLoad, rebootUnderLoad } from '../ramdisk/rounds.ts';

const rounds = Number(process.env.RAMDISK_ROUNDS ?? 50);

test(`${rounds} ends under load`, { timeout: rounds * 120_000 }, async () => {
  for (let round = 0; round < rounds; round++) {
    const commits = 1 + Math.floor(Math.random() * 200);
    if (round % 2 === 0) await rebootUnderLoad(commits);
    else await endUnderLoad(commits);
  }
});
