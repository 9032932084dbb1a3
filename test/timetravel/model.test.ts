// Random sequences of every KV operation, time, rollbacks, native writes and prunes against the model in memory. The
// same with 100,000 steps is test/soak/kv-model.test.ts.
import fc from 'fast-check';
import { test } from 'vitest';
import { runSteps } from './model-run.ts';
import { step } from './model-steps.ts';

test('the store agrees with a model that keeps every state, after every step', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), (steps) => runSteps(steps)),
    { numRuns: 40 },
  );
});
