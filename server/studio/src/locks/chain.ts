// Who blocks whom: makes a tree out of a lock snapshot. A program stands once, below the one that it waits for; the
// head blocker, who waits for nobody, is the root. Pure.
import type { DatabaseLocks, LockHolder, LockWaiter } from './snapshot.ts';
import { isOpenness } from './words.ts';

export interface ChainNode {
  readonly pid: number;
  readonly command: string;
  readonly container: string;
  /** Without locks of mere openness. */
  readonly holds: readonly LockHolder[];
  readonly waits: readonly LockWaiter[];
  /** From 1, by the length of the wait, among those who wait for the same program; null of a root. */
  readonly place: number | null;
  /** Programs that it waits for as well. */
  readonly alsoBehind: readonly number[];
  readonly children: readonly ChainNode[];
}

export interface Chain {
  readonly db: string;
  readonly journal: string;
  /** Head blockers first, those with the longest line before the others; then programs that block nobody. */
  readonly roots: readonly ChainNode[];
  /** Programs that only have the database open. */
  readonly idle: readonly ChainNode[];
  readonly holders: number;
  readonly waiters: number;
  /** Milliseconds; 0 where nobody waits. */
  readonly longestWaitMs: number;
}

type Program = Omit<ChainNode, 'children' | 'place' | 'alsoBehind'>;

export function chainOf(locks: DatabaseLocks): Chain {
  const programs = programsOf(locks);
  const parents = parentsOf(programs);
  const node = (pid: number, place: number | null): ChainNode[] => {
    const program = programs.get(pid);
    if (program === undefined) return [];
    const behind = [...programs.values()]
      .filter((other) => parents.get(other.pid) === pid)
      .sort((one, other) => longestWait(other.waits) - longestWait(one.waits));
    const children = behind.flatMap((child, index) => node(child.pid, index + 1));
    const blockers = new Set(program.waits.flatMap(({ blockedBy }) => blockedBy));
    const alsoBehind = [...blockers].filter((other) => other !== parents.get(pid) && other !== pid);
    return [{ ...program, place, alsoBehind, children }];
  };
  const all = [...programs.keys()].filter((pid) => !parents.has(pid)).flatMap((pid) => node(pid, null));
  const isIdle = ({ holds, waits, children }: ChainNode) =>
    waits.length === 0 && children.length === 0 && holds.length === 0;
  const roots = all
    .filter((root) => !isIdle(root))
    .sort((one, other) => below(other) - below(one) || strength(other) - strength(one) || one.pid - other.pid);
  return {
    db: locks.db,
    journal: locks.journal,
    roots,
    idle: all.filter(isIdle),
    holders: [...programs.values()].filter(({ holds }) => holds.length > 0).length,
    waiters: [...programs.values()].filter(({ waits }) => waits.length > 0).length,
    longestWaitMs: longestWait(locks.waiters),
  };
}

/** How many programs stand below a node. */
export function below(node: ChainNode): number {
  return node.children.reduce((sum, child) => sum + 1 + below(child), 0);
}

export function longestWait(waits: readonly { readonly waitMs: number }[]): number {
  return waits.reduce((longest, { waitMs }) => Math.max(longest, waitMs), 0);
}

export function longestHold(holds: readonly { readonly heldMs: number }[]): number {
  return holds.reduce((longest, { heldMs }) => Math.max(longest, heldMs), 0);
}

function programsOf({ holders, waiters, journal }: DatabaseLocks): ReadonlyMap<number, Program> {
  const programs = new Map<number, Program>();
  for (const { pid, command, container } of [...holders, ...waiters]) {
    if (programs.has(pid)) continue;
    const holds = holders.filter((holder) => holder.pid === pid && !isOpenness(holder, journal));
    const waits = waiters.filter((waiter) => waiter.pid === pid);
    programs.set(pid, { pid, command, container, holds, waits });
  }
  return programs;
}

/**
 * Below whom each waiter stands: a blocker who waits for nobody, before one who waits himself. A circle of waiters,
 * which the mount breaks at once, has no root: its first one becomes it.
 */
function parentsOf(programs: ReadonlyMap<number, Program>): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const { pid, waits } of programs.values()) {
    const blockers = waits
      .flatMap(({ blockedBy }) => blockedBy)
      .filter((other) => other !== pid && programs.has(other));
    const heads = blockers.filter((other) => programs.get(other)?.waits.length === 0);
    const parent = [...heads, ...blockers].find((other) => !leadsTo(parents, other, pid));
    if (parent !== undefined) parents.set(pid, parent);
  }
  return parents;
}

function leadsTo(parents: ReadonlyMap<number, number>, from: number, pid: number): boolean {
  for (let at: number | undefined = from; at !== undefined; at = parents.get(at)) if (at === pid) return true;
  return false;
}

function strength({ holds }: ChainNode): number {
  return holds.some(({ mode }) => mode === 'exclusive') ? 1 : 0;
}
