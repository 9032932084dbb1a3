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
    return true;
  };
  return { name: () => `busy for ${ms}`, run };
}

test('a step that throws is logged with its stack, once a second, and the next one runs', () => {
  const log = vi.fn();
  const steps = new Steps(log);
  const next = vi.fn(() => false);
  for (let turn = 0; turn < 100; turn++) {
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

test('the longest step is known by name, and a wait before it counts for nobody', () => {
  const log = vi.fn();
  const steps = new Steps(log);
  const idle: Step = { name: () => 'idle', run: () => false };
  const afterWait = (waitMs: number, ...done: Step[]) => {
    nowMs += waitMs;
    if (waitMs > 0) steps.waited(nowMs);
    for (const step of done) steps.run(step);
  };
  afterWait(30, busyFor(0.5), idle);
  afterWait(0, busyFor(12), idle);
  afterWait(40, busyFor(2), busyFor(1));
  const longestMsOf = { 'busy for 12': 12, 'busy for 2': 2, 'busy for 1': 1 };
  expect(steps.counts).toEqual({ longestMs: 12, longestMsOf, slow: 1 });
  afterWait(500, busyFor(110));
  expect(steps.counts).toMatchObject({ longestMs: 110, slow: 2 });
  expect(log).toHaveBeenCalledExactlyOnceWith('warn', 'loop-stalled', { step: 'busy for 110', tookMs: 110 });
});
