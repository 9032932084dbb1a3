// Where each tree of keys was left while the page is loaded: its levels, and how far it was scrolled. Both are
// shown at once when one comes back, and the levels are read again.
import type { KeyTree } from './tree.ts';

export interface KeptTree {
  readonly tree: KeyTree;
  readonly delimiter: string;
  /** Pixels. */
  readonly top: number;
}

const mostKept = 20;
const kept = new Map<string, KeptTree>();

export function keptTree(name: string): KeptTree | undefined {
  return kept.get(name);
}

export function keepTree(name: string, tree: KeptTree): void {
  kept.delete(name);
  kept.set(name, tree);
  for (const oldest of kept.keys()) {
    if (kept.size <= mostKept) return;
    kept.delete(oldest);
  }
}
