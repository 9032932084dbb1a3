// Times as answers show them.

/** RFC 3339 in UTC, to the second. */
export function secondsText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
