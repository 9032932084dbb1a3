// The SQL that runs under an id, so that its client can cancel it.
import { ApiError } from '../../../messages/errors.ts';

interface Running {
  isCancelled: boolean;
}

const running = new Map<string, Running>();

/** Runs `work` under this id; it asks whether it is cancelled. @throws ApiError CONFLICT where the id is in use */
export async function cancellable<Result>(
  id: string | undefined,
  work: (isCancelled: () => boolean) => Promise<Result>,
): Promise<Result> {
  if (id === undefined) return await work(() => false);
  if (running.has(id)) throw new ApiError('CONFLICT', `another request runs under the id ${id}`);
  const one: Running = { isCancelled: false };
  running.set(id, one);
  try {
    return await work(() => one.isCancelled);
  } finally {
    running.delete(id);
  }
}

/** @returns whether something runs under this id */
export function cancel(id: string): boolean {
  const one = running.get(id);
  if (one !== undefined) one.isCancelled = true;
  return one !== undefined;
}
