// A step of the loop that throws costs nothing but a line in the log, and the longest one is known.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Step, Steps } from '../../../fs/channel/steps.ts';
import { FsError } from '../../../fs/errors.ts';

let nowMs = 1000;
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void vi.restoreAllMocks());

function busyFor(ms: number): Step {
  const run = () => {
    nowMs += ms;
  };
  return { name: () => `busy for ${ms}`, run };
}

test('a step that throws is logged with its stack, once a second, and the next one runs', () => {
  const log = vi.fn();
  const steps = new Steps(log);
  const next = vi.fn();
  for (let turn = 0; turn < 100; turn++) {
    steps.begin();
    steps.run({
      name: () => 'broken',
      run: () => {
        throw new TypeError('no such thing');
      },
    });
    steps.run({ name: () => 'next', run: next });
  }
  expect(next).toHaveBeenCalledTimes(100);
  expect(log).toHaveBeenCalledExactlyOnceWith('error', 'step-failed', {
    step: 'broken',
    error: expect.stringMatching(/TypeError: no such thing\n\s+at /),
  });
});

test('what makes the mount impossible ends the loop', () => {
  const impossible = () => {
    throw new FsError('no-passthrough', 'passthrough is impossible here');
  };
  expect(() => new Steps(() => {}).run({ name: () => 'INIT', run: impossible })).toThrow('impossible');
});

test('the longest step is known by name, and the time before a step began counts for nobody', () => {
  const log = vi.fn();
  const steps = new Steps(log);
  busyFor(30).run();
  steps.begin();
  for (const ms of [1, 12, 2]) steps.run(busyFor(ms));
  expect(steps.counts).toEqual({ longest: 'busy for 12', longestMs: 12, slow: 1 });
  steps.run(busyFor(110));
  expect(log).toHaveBeenCalledExactlyOnceWith('warn', 'loop-stalled', {
    step: 'busy for 110',
    tookMs: 110,
  });
});
