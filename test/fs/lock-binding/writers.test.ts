// The record of who wrote which database when.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Writers } from '../../../fs/lock-binding/writers.ts';

const one = { pid: process.pid, key: 'one', executable: '/one' };
const two = { pid: process.ppid, key: 'two', executable: '/two' };

test('writes of a process that follow each other closely are one window, others are not', () => {
  const writers = new Writers(0);
  writers.note('a', one, 10, 12);
  writers.note('a', two, 12, 13);
  writers.note('a', one, 14, 15);
  writers.note('a', one, 100, 101);
  writers.note('b', two, 50, 51);
  const { completeSinceMs, windows } = writers.of('a', undefined, 1000);
  expect(completeSinceMs).toBe(1000);
  expect(windows.map(({ pid, sinceMs, untilMs }) => [pid, sinceMs, untilMs])).toEqual([
    [one.pid, 1010, 1015],
    [two.pid, 1012, 1013],
    [one.pid, 1100, 1101],
  ]);
  expect(windows[0]).toMatchObject({ command: expect.stringMatching(/node/), container: expect.any(String) });
});

test('who holds the write lock now is a writer whose end is not known', () => {
  const { windows } = new Writers(0).of('a', { writer: one, sinceMs: 5 }, 0);
  expect(windows).toEqual([expect.objectContaining({ pid: one.pid, sinceMs: 5, untilMs: null })]);
});

test('a record that has forgotten something says since when it is complete', () => {
  const writers = new Writers(0);
  for (let n = 0; n < 200; n += 1) writers.note('a', n % 2 ? one : two, n * 10, n * 10 + 1);
  const { completeSinceMs, windows } = writers.of('a', undefined, 0);
  expect(windows).toHaveLength(128);
  expect(completeSinceMs).toBe((200 - 128 - 1) * 10 + 1);

  for (let n = 0; n < 300; n += 1) writers.note(`other ${n}`, one, 5000 + n, 5000 + n);
  expect(writers.of('a', undefined, 0)).toEqual({ completeSinceMs: expect.any(Number), windows: [] });
  expect(writers.of('a', undefined, 0).completeSinceMs).toBeGreaterThanOrEqual(1991);
});

test('where a look at the command line could wait for ourselves the short name has to do', () => {
  const writers = new Writers(0, () => false);
  writers.note('a', one, 10, 12);
  const [window] = writers.of('a', undefined, 0).windows;
  expect(window?.command).toBe(readFileSync(`/proc/${one.pid}/comm`, 'utf8').trim());
});
