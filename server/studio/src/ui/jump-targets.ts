// What the jump menu finds, and in which order. Pure.

export interface JumpTarget {
  readonly id: string;
  readonly label: string;
  /** What it is: `table`, `database`, `view of the page`. */
  readonly kind: string;
  readonly href: string;
}

/**
 * Smaller is better; undefined: no match. A beginning beats a word's beginning beats a place within beats letters in
 * order.
 */
export function rank(label: string, search: string): number | undefined {
  const text = label.toLowerCase();
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return 0;
  const at = text.indexOf(wanted);
  if (at === 0) return text.length === wanted.length ? 0 : 1;
  if (at > 0) return /[\w]/.test(text[at - 1] ?? '') ? 3 : 2;
  return hasLettersInOrder(text, wanted) ? 4 : undefined;
}

function hasLettersInOrder(text: string, letters: string): boolean {
  let at = -1;
  for (const letter of letters) {
    at = text.indexOf(letter, at + 1);
    if (at === -1) return false;
  }
  return true;
}

/** The best `most` targets; equals stay in the order given. */
export function findTargets(targets: readonly JumpTarget[], search: string, most = 50): JumpTarget[] {
  return targets
    .flatMap((target) => {
      const place = rank(target.label, search);
      return place === undefined ? [] : [{ target, place }];
    })
    .sort((a, b) => a.place - b.place)
    .slice(0, most)
    .map(({ target }) => target);
}
