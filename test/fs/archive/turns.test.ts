// Which database is read when. The clock is the test's own.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Progress, Tail } from '../../../fs/archive/tail/tail.ts';
import { Turns } from '../../../fs/archive/turns.ts';

let turns: Turns;
/** When each turn began. */
let polls: number[];
let isRecorded: boolean;
/** How often it was behind. */
let behind: number;
let progress: Progress;

const more: Progress = { hasMore: true, isDrained: false };
const drained: Progress = { hasMore: false, isDrained: true };

/** A database that has something to read in each turn. */
const tail = {
  path: import.meta.filename,
  id: { inode: '0' },
  isCurrent: true,
  reading: { position: {} },
  rest: () => {},
  poll(): Progress {
    polls.push(performance.now());
    this.reading.position = {};
    return progress;
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  polls = [];
  isRecorded = true;
  progress = drained;
  behind = 0;
  turns = new Turns({
    beforeRound: () => {},
    onTick: () => {},
    onVanished: () => {},
    mayRest: () => isRecorded,
    onBehind: () => {
      behind += 1;
    },
  });
  turns.add(tail as unknown as Tail);
  vi.advanceTimersByTime(1);
  polls = [];
});
afterEach(() => {
  turns.stop();
  vi.useRealTimers();
});

function writeFor(ms: number): void {
  for (let passed = 0; passed < ms; passed += 5) {
    turns.written(tail as unknown as Tail);
    turns.look();
    vi.advanceTimersByTime(5);
  }
}

test('a database that is written all the time is read in pieces, each soon after the one before', () => {
  progress = more;
  writeFor(900);
  expect(polls.length).toBeGreaterThan(900 / 60);
  expect(polls.length).toBeLessThan(900 / 40);
});

test('one that is not read to its end for long needs more time, which is told', () => {
  progress = more;
  writeFor(1400);
  expect(behind).toBe(0);
  writeFor(400);
  expect(behind).toBeGreaterThan(0);
  progress = drained;
  vi.advanceTimersByTime(100);
  behind = 0;
  writeFor(2000);
  expect(behind).toBe(0);
});

test('whoever waits for it has it read at once', () => {
  writeFor(100);
  const before = polls.length;
  turns.run(tail as unknown as Tail);
  vi.advanceTimersByTime(1);
  expect(polls.length).toBe(before + 1);
});

test('one that was not written for a while is read at once', () => {
  vi.advanceTimersByTime(500);
  polls = [];
  turns.written(tail as unknown as Tail);
  turns.look();
  vi.advanceTimersByTime(1);
  expect(polls).toHaveLength(1);
});

test('without records of the mount there are no pauses: its log may begin anew at any moment', () => {
  isRecorded = false;
  writeFor(900);
  expect(polls.length).toBeGreaterThan(150);
});
