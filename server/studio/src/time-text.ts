// Times as people read them, in the reader's own time zone and language.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** `14:03:07` */
export function clockTime(ms: number): string {
  return clock.format(ms);
}

/** `14:03:07.120`: for events that follow each other within a second. */
export function clockTimeMs(ms: number): string {
  return `${clock.format(ms)}.${`${Math.floor(ms % 1000)}`.padStart(3, '0')}`;
}

/** Date and time. */
export function dateTime(ms: number): string {
  return full.format(ms);
}

/** `2026-11-28` as weekday and date. */
export function dayText(isoDay: string): string {
  return day.format(new Date(`${isoDay}T12:00:00`));
}

/** `just now`, `40 s ago`, `3 min ago`, `5 h ago`, `12 days ago`. */
export function ago(ms: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - ms) / 1000);
  return seconds < 5 ? 'just now' : `${span(seconds)} ago`;
}

/** `in 40 s`, `in 3 min`, to the nearest; `now` once it is past. */
export function until(ms: number, nowMs: number): string {
  const seconds = Math.ceil((ms - nowMs) / 1000);
  return seconds <= 0 ? 'now' : `in ${span(seconds, Math.round)}`;
}

function span(seconds: number, whole = Math.floor): string {
  if (seconds < 60) return `${seconds} s`;
  const [minutes, hours] = [whole(seconds / 60), whole(seconds / 3600)];
  if (minutes < 60) return `${minutes} min`;
  return hours < 48 ? `${hours} h` : `${whole(seconds / 86_400)} days`;
}
