// What becomes of an answer that cannot be sent to the server: its executor goes on, and the request gets an error.
import { serialize } from 'node:v8';
import { ApiError } from '../messages/errors.ts';
import type { FromExecutor, Outcome } from '../messages/jobs.ts';
import { failed } from './run-group.ts';

/**
 * The answer with an error for each outcome that cannot be serialized: it is nested too deeply, say. Nothing of it was
 * sent.
 */
export function withoutUnsendable(message: FromExecutor, cause: unknown): FromExecutor | null {
  const sendable = (outcome: Outcome): Outcome => {
    try {
      serialize(outcome);
      return outcome;
    } catch {
      return failed(
        new ApiError('INTERNAL_ERROR', 'the answer cannot be sent; a write is done all the same', { cause }),
      );
    }
  };
  if (message.type === 'done') return { ...message, outcomes: message.outcomes.map(sendable) };
  return message.type === 'partial' ? { ...message, outcome: sendable(message.outcome) } : null;
}
