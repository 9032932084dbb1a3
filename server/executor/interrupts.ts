// The interrupting of the group that this executor is at work on, by its number, from the server process: the guard's
// thread hears it while SQLite is busy. Without a guard nothing is interrupted, and the server kills the executor
// instead.
import { interruptFd } from '../messages/jobs.ts';
import { findGuard, Guard } from './guard/guard.ts';
import { interrupted } from './sql/sqlite-errors.ts';

let guard: Guard | null = null;
let wasInterrupted = false;

/** @returns whether groups can be interrupted */
export function listenForInterrupts(): boolean {
  const found = findGuard();
  if (!(found instanceof Guard)) return false;
  found.listen(interruptFd);
  guard = found;
  return true;
}

/**
 * From now on every statement fails with SQLITE_INTERRUPT once the server asks for it. @throws ApiError when it has
 * asked already
 */
export function allowInterrupts(groupId: number): void {
  wasInterrupted = guard?.beginJob(groupId) ?? false;
  if (wasInterrupted) throw interrupted();
}

/** From now on statements run to their end: for COMMIT and ROLLBACK. @returns whether the group was interrupted */
export function endInterrupts(): boolean {
  const isInterrupted = guard?.endJob() ?? false;
  wasInterrupted ||= isInterrupted;
  return wasInterrupted;
}
