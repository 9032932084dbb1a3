// Waits in the queue of the places, as long as its client does and its deadline lets it.
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { Place } from './places.ts';

export interface Waiter {
  readonly deadlineMs: number;
  readonly isGone: () => boolean;
}

/** `ask`: joins the queue, and answers what leaves it. @throws ApiError DATABASE_BUSY, SERVICE_UNAVAILABLE */
export function turn(
  { deadlineMs, isGone }: Waiter,
  ask: (give: (place: Place) => void) => () => void,
): Promise<Place> {
  return new Promise((resolve, reject) => {
    const giveUp = (code: 'DATABASE_BUSY' | 'SERVICE_UNAVAILABLE', text: string): void => {
      clearInterval(timer);
      leaveQueue();
      reject(new ApiError(code, text));
    };
    const timer = setInterval(() => {
      if (isGone()) giveUp('SERVICE_UNAVAILABLE', 'the client has left; nothing was committed');
      else if (performance.now() > deadlineMs - limits.answerReserveMs) {
        giveUp('DATABASE_BUSY', 'other transactions were open until the deadline of the request');
      }
    }, limits.sessionCheckMs);
    const leaveQueue = ask((place) => {
      clearInterval(timer);
      resolve(place);
    });
  });
}
