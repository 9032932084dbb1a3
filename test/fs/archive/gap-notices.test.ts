import { expect, test } from 'vitest';
import { GapNotices } from '../../../fs/archive/tail/gap-notices.ts';

const hourMs = 60 * 60_000;

test('gaps that come again and again are told once an hour, each reason by itself', () => {
  const notices = new GapNotices();
  expect(notices.isDue('written', 0)).toBe(true);
  expect(notices.isDue('written', 1000)).toBe(false);
  expect(notices.isDue('power cut', 1000)).toBe(true);
  expect(notices.isDue('written', hourMs - 1)).toBe(false);
  expect(notices.isDue('written', hourMs)).toBe(true);
  expect(notices.isDue('written', hourMs + 1)).toBe(false);
});
