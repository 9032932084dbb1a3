// The commit that a bookmark of its own writer means: it says where the write-ahead log ended after it, or before it.
import type { OpenLog } from '../log/open-log.ts';
import type { Moment } from '../messages.ts';
import type { PlaceBookmark } from './bookmarks.ts';
import { commitAtPlace, recordOf } from './commit-search.ts';
import { PastError } from './past-error.ts';

/** All that is kept of one database. */
interface Kept {
  readonly name: string;
  readonly oldest: Moment | null;
  logs(): Iterable<OpenLog>;
}

/** `text`: the bookmark as it was given. @throws PastError */
export function findPlace(past: Kept, place: PlaceBookmark, text: string): { log: OpenLog; number: number } {
  for (const log of past.logs()) {
    const moment = commitAtPlace(log, place);
    if (moment === undefined) continue;
    if (place.step === 0) return { log, number: moment.number };
    const number = moment.number + place.step;
    // Between the two nothing may be missing: else it is not known which commit was meant.
    const next = recordOf(log, Math.max(number, moment.number));
    if (next === undefined && place.step === 1) throw notYet(past, text);
    if (next?.kind !== 'commit' || next.standsFor > 1) throw missed(past, text);
    return { log, number };
  }
  throw notFound(past, place, text);
}

function notFound(past: Kept, place: PlaceBookmark, text: string): PastError {
  const { oldest } = past;
  if (oldest !== null && place.timeMs < oldest.timeMs) {
    const words = `${oldest.bookmark} (${new Date(oldest.timeMs).toISOString()})`;
    return new PastError(
      'too-old',
      `${past.name}: the history does not go back to ${text}; its oldest moment is ${words}`,
    );
  }
  return notYet(past, text);
}

function notYet(past: Kept, text: string): PastError {
  const reason = "it is another's, was thinned out, lies in a gap, or is not read yet";
  return new PastError('unknown-bookmark', `${past.name} has no commit of bookmark ${text}: ${reason}`);
}

function missed(past: Kept, text: string): PastError {
  const reason = 'single commits could not be followed there, or were thinned out';
  return new PastError('gap', `${past.name}: which commit bookmark ${text} means is not known: ${reason}`);
}
