// A database that moves between RAM and disk is whole and has all that was acknowledged, wherever everything is killed.
import { test } from 'vitest';
import { killBehindSteps } from './move-rounds.ts';

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
