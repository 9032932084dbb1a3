// A moment in the past of a database, as a person types it: a bookmark, a time, or how long ago. A time without a zone
// is one of this process's own zone. Pure but for that.
import { bookmarkPattern } from './bookmark.ts';
import type { At } from './time-machine.ts';

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

const span = /^(\d+(?:\.\d+)?|an?)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?)(?:\s+ago)?$/i;
const epochSeconds = /^\d{9,11}(?:\.\d+)?$/;
const dateAndTime =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;
const timeOfDay = /^(?:(today|yesterday)\s+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/i;

/** @throws Error that says what was expected */
export function parseAt(text: string, nowMs = Date.now()): At {
  const trimmed = text.trim();
  if (/^(now|head)$/i.test(trimmed)) return { head: true };
  if (bookmarkPattern.test(trimmed)) return { bookmark: trimmed.toLowerCase() };
  const timeMs =
    spanAgo(trimmed, nowMs) ?? secondsOf(trimmed) ?? momentOf(trimmed) ?? todaysTime(trimmed, new Date(nowMs));
  if (timeMs === undefined || Number.isNaN(timeMs)) {
    throw new Error(
      `"${text}" is no moment: expected a time such as "10 minutes ago", 2h, 14:30, "yesterday 14:30", ` +
        `2026-11-28T14:30, 2026-11-28T14:30:00Z or epoch seconds, or a bookmark of the history`,
    );
  }
  return { timeMs };
}

function spanAgo(text: string, nowMs: number): number | undefined {
  const [, count = '', unit = ''] = span.exec(text) ?? [];
  if (unit === '') return undefined;
  return nowMs - (/^an?$/i.test(count) ? 1 : Number(count)) * (unitMs[unit.charAt(0).toLowerCase()] ?? Number.NaN);
}

function secondsOf(text: string): number | undefined {
  return epochSeconds.test(text) ? Number(text) * 1000 : undefined;
}

/** NaN for a date that does not exist, such as 30 February. */
function momentOf(text: string): number | undefined {
  const match = dateAndTime.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const isReal =
    new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day &&
    month >= 1 &&
    month <= 12 &&
    isTime(hour, minute, second);
  if (!isReal) return Number.NaN;
  const zone = match[8];
  const wholeMs =
    zone === undefined
      ? new Date(year, month - 1, day, hour, minute, second).getTime()
      : Date.UTC(year, month - 1, day, hour, minute, second) - zoneMs(zone);
  return wholeMs + fractionMs(match[7]);
}

function todaysTime(text: string, now: Date): number | undefined {
  const match = timeOfDay.exec(text);
  if (match === null) return undefined;
  const [hour = 0, minute = 0, second = 0] = match.slice(2, 5).map((part) => Number(part ?? 0));
  if (!isTime(hour, minute, second)) return Number.NaN;
  const day = now.getDate() - (match[1]?.toLowerCase() === 'yesterday' ? 1 : 0);
  const timeMs = new Date(now.getFullYear(), now.getMonth(), day, hour, minute, second).getTime();
  return timeMs + fractionMs(match[5]);
}

function isTime(hour: number, minute: number, second: number): boolean {
  return hour < 24 && minute < 60 && second < 60;
}

/** `+02:00`, `+0200` and `+02` are two hours. */
function zoneMs(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', ''));
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function fractionMs(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(`0.${digits}`) * 1000;
}
