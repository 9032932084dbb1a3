// A database that moves between RAM and disk is whole and has all that was acknowledged, wherever everything is killed.
import { expect, test } from 'vitest';
import { moveThroughPhases } from './killed-moves.ts';
import { killBehindSteps } from './move-rounds.ts';
import { phases } from './phases.ts';

// All steps: test/soak/ramdisk.test.ts
test.each([
  ['fs', 'ram', false],
  ['tier', 'ram', true],
] as const)(
  'everything is killed behind a step of the process %s in a move to %s (reboot: %s)',
  async (role, to, isReboot) => {
    await killBehindSteps(role, to, isReboot, 2);
  },
);

// The others, with 200 MB and with other victims: test/soak/ramdisk.test.ts
test('a process is killed in phases of moves, beside four programs that write and two that read', async () => {
  const names = ['catching up', 'base copy', 'pages written', 'switched', 'switching'];
  const chosen = phases.filter(({ name }) => names.includes(name));
  expect(chosen).toHaveLength(names.length);
  await moveThroughPhases(['own'], 20_000_000, chosen);
});
