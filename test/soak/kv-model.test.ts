// The key-value store against the model in memory (test/timetravel/model.ts), 100,000 steps and more.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSteps } from '../timetravel/model-run.ts';
import { step } from '../timetravel/model-steps.ts';

const stepsWanted = 100_000;

test('no difference between store and model in 100,000 steps', { timeout: 3 * 3600_000 }, () => {
  let steps = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (list) => {
      runSteps(list);
      steps += list.length;
    }),
    { numRuns: 1100 },
  );
  expect(steps).toBeGreaterThanOrEqual(stepsWanted);
});
