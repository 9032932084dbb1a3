import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAt } from '../../server/messages/moment.ts';

const now = Date.UTC(2026, 10, 28, 12, 0, 0);
const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin'; // one hour before UTC in November, two in July
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const timeOf = (text: string) => {
  const at = parseAt(text, now);
  return 'timeMs' in at ? new Date(at.timeMs).toISOString() : at;
};

test.each([
  ['10 minutes ago', '2026-11-28T11:50:00.000Z'],
  ['a minute ago', '2026-11-28T11:59:00.000Z'],
  ['an hour ago', '2026-11-28T11:00:00.000Z'],
  ['2h', '2026-11-28T10:00:00.000Z'],
  ['2 Hours', '2026-11-28T10:00:00.000Z'],
  ['1.5h ago', '2026-11-28T10:30:00.000Z'],
  ['90s', '2026-11-28T11:58:30.000Z'],
  ['5 min', '2026-11-28T11:55:00.000Z'],
  ['3d', '2026-11-25T12:00:00.000Z'],
  ['1 week ago', '2026-11-21T12:00:00.000Z'],
])('%s is counted from now', (text, time) => {
  expect(timeOf(text)).toBe(time);
});

test.each([
  ['2026-11-27', '2026-11-26T23:00:00.000Z'],
  ['2026-11-27T14:30', '2026-11-27T13:30:00.000Z'],
  ['2026-07-27 14:30:05', '2026-07-27T12:30:05.000Z'],
  ['2026-11-27T14:30:05.25', '2026-11-27T13:30:05.250Z'],
  ['09:15', '2026-11-28T08:15:00.000Z'],
  ['9:15:30', '2026-11-28T08:15:30.000Z'],
  ['today 00:00', '2026-11-27T23:00:00.000Z'],
  ['yesterday 14:00', '2026-11-27T13:00:00.000Z'],
])('%s is a time of this zone', (text, time) => {
  expect(timeOf(text)).toBe(time);
});

test.each([
  ['2026-11-27T14:30Z', '2026-11-27T14:30:00.000Z'],
  ['2026-11-27T14:30:05.123456Z', '2026-11-27T14:30:05.123Z'],
  ['2026-11-27T14:30+02:00', '2026-11-27T12:30:00.000Z'],
  ['2026-11-27 14:30:00 -0530', '2026-11-27T20:00:00.000Z'],
  ['2026-11-27T14:30+01', '2026-11-27T13:30:00.000Z'],
  ['1795780800', '2026-11-27T12:00:00.000Z'],
  ['1795780800.5', '2026-11-27T12:00:00.500Z'],
])('%s means the same everywhere', (text, time) => {
  expect(timeOf(text)).toBe(time);
});

test('a bookmark and the newest state are no times', () => {
  expect(parseAt('0000000A-00000000001f')).toEqual({ bookmark: '0000000a-00000000001f' });
  expect(parseAt(' now ')).toEqual({ head: true });
});

describe('refused with what is expected', () => {
  test.each([
    '',
    '10',
    'soon',
    'yesterday',
    '10 fortnights ago',
    '-5m',
    '2026-02-30',
    '2026-13-01',
    '2026-11-27T24:00',
    '2026-11-27T12:60Z',
    '25:00',
    '1795780800000',
    '0000000a-1f',
  ])('"%s"', (text) => {
    expect(() => parseAt(text, now)).toThrow('"10 minutes ago"');
  });
});
