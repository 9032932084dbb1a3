// Processes of the daemon that are missing, in words.
import type { Role } from '../children/child.ts';
import type { KeptChild } from '../children/kept-child.ts';

/** One sentence for each process that is missing. */
export function downChildren(children: readonly KeptChild[]): string[] {
  return children
    .filter(({ role, current, isWanted }) => current === undefined && (isVital(role) || isWanted))
    .map(({ role, lastFailure: reason }) => {
      return `the ${role} process is down and is being started again${reason === undefined ? '' : `: ${reason}`}`;
    });
}

/** The others may be kept from starting, and nobody misses them then. */
function isVital(role: Role): boolean {
  return role === 'fs' || role === 'server';
}
