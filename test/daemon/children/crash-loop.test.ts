import { expect, test } from 'vitest';
import { CrashLoop } from '../../../daemon/children/crash-loop.ts';

const crash = { livedMs: 5_000, exit: { code: null, signal: 'SIGSEGV' }, refused: false };
const kill = { livedMs: 5_000, exit: { code: null, signal: 'SIGKILL' }, refused: false };
const earlyKill = { ...kill, livedMs: 100 };

test('five crashes in a row within 30 s are a loop', () => {
  const loop = new CrashLoop();
  expect([0, 5, 10, 15, 20].map((second) => loop.add(crash, second * 1000))).toEqual([
    false,
    false,
    false,
    false,
    true,
  ]);
});

test('crashes that are further apart are not', () => {
  const loop = new CrashLoop();
  for (let second = 0; second < 200; second += 10) expect(loop.add(crash, second * 1000)).toBe(false);
});

test('somebody who kills a process that served is no loop, however often', () => {
  const loop = new CrashLoop();
  for (let second = 0; second < 100; second++) expect(loop.add(kill, second * 1000)).toBe(false);
});

test('processes that are killed before they have served anything are one', () => {
  const loop = new CrashLoop();
  expect([1, 2, 3, 4, 5].map((second) => loop.add(earlyKill, second * 1000)).at(-1)).toBe(true);
});
