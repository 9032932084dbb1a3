// The difference of two texts as lines: what went, what came, and which words of a changed line. Lines are found by
// jsdiff. Knows nothing of how they are drawn.
import { diffLines, diffWordsWithSpace } from 'diff';

export interface DiffPart {
  readonly text: string;
  readonly changed: boolean;
}

export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  /** Line number from 1 in the older text; null for an added line. */
  readonly before: number | null;
  /** Line number from 1 in the newer text; null for a removed line. */
  readonly after: number | null;
  readonly parts: readonly DiffPart[];
}

export interface Difference {
  readonly lines: readonly DiffLine[];
  readonly added: number;
  readonly removed: number;
}

/** One row of the two-column form. Null: the other side alone has a line here. */
export interface DiffPair {
  readonly left: DiffLine | null;
  readonly right: DiffLine | null;
}

/** Rows to show, or equal rows that are folded away. */
export interface DiffSection<Row> {
  readonly folded: boolean;
  readonly rows: readonly Row[];
}

/** Texts that differ in more lines than this are shown as wholly replaced: the search takes quadratic time. */
const maxEdits = 1_500;
/** Longer lines are marked as a whole. */
const maxWordLine = 2_000;
/** Equal lines that stay around a change, and how many must be equal before the others are folded. */
const contextLines = 3;

export function difference(before: string, after: string): Difference {
  // Both end in a line break, so that the last line equals one that is followed by more.
  const [older, newer] = [`${before}\n`, `${after}\n`];
  const changes = diffLines(older, newer, { maxEditLength: maxEdits }) ?? [
    { value: older, removed: true, added: false },
    { value: newer, removed: false, added: true },
  ];
  const lines: DiffLine[] = [];
  let [beforeNumber, afterNumber, added, removed] = [1, 1, 0, 0];
  for (let index = 0; index < changes.length; index += 1) {
    const change = changes[index];
    if (change === undefined) continue;
    if (!change.added && !change.removed) {
      for (const text of linesOf(change.value)) {
        lines.push({ kind: 'same', before: beforeNumber++, after: afterNumber++, parts: [{ text, changed: false }] });
      }
      continue;
    }
    const next = changes[index + 1];
    const replaced = change.removed && next?.added;
    const gone = change.removed ? linesOf(change.value) : [];
    const come = replaced ? linesOf(next.value) : change.added ? linesOf(change.value) : [];
    if (replaced) index += 1;
    const words = gone.map((text, place) => wordsOf(text, come[place]));
    for (const [place, text] of gone.entries()) {
      const parts = words[place]?.old ?? whole(text);
      lines.push({ kind: 'removed', before: beforeNumber++, after: null, parts });
    }
    for (const [place, text] of come.entries()) {
      const parts = words[place]?.new ?? whole(text);
      lines.push({ kind: 'added', before: null, after: afterNumber++, parts });
    }
    removed += gone.length;
    added += come.length;
  }
  return { lines, added, removed };
}

/** Removed lines stand to the left of the added lines that follow them. */
export function sideBySide(lines: readonly DiffLine[]): DiffPair[] {
  const pairs: DiffPair[] = [];
  let gone: DiffLine[] = [];
  let come: DiffLine[] = [];
  const flush = () => {
    for (let place = 0; place < Math.max(gone.length, come.length); place += 1) {
      pairs.push({ left: gone[place] ?? null, right: come[place] ?? null });
    }
    gone = [];
    come = [];
  };
  for (const line of lines) {
    if (line.kind === 'removed') gone.push(line);
    else if (line.kind === 'added') come.push(line);
    else {
      flush();
      pairs.push({ left: line, right: line });
    }
  }
  flush();
  return pairs;
}

/** Folds equal rows that are far from every change. A fold of one row would take as much room as the row. */
export function folded<Row>(rows: readonly Row[], isEqual: (row: Row) => boolean): DiffSection<Row>[] {
  const sections: DiffSection<Row>[] = [];
  let start = 0;
  const isNear = (place: number) => {
    for (let other = place - contextLines; other <= place + contextLines; other += 1) {
      const row = rows[other];
      if (row !== undefined && !isEqual(row)) return true;
    }
    return false;
  };
  const near = rows.map((_, place) => isNear(place));
  for (let place = 1; place <= rows.length; place += 1) {
    if (place < rows.length && near[place] === near[start]) continue;
    const part = rows.slice(start, place);
    sections.push({ folded: !near[start] && part.length > 1, rows: part });
    start = place;
  }
  return sections;
}

function linesOf(value: string): string[] {
  const lines = value.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function whole(text: string): DiffPart[] {
  return [{ text, changed: false }];
}

/** Which words of two lines differ; undefined where nothing or next to nothing is common. */
function wordsOf(
  older: string,
  newer: string | undefined,
): { readonly old: DiffPart[]; readonly new: DiffPart[] } | undefined {
  if (newer === undefined || older.length > maxWordLine || newer.length > maxWordLine) return undefined;
  const changes = diffWordsWithSpace(older, newer);
  const common = changes.filter(({ added, removed }) => !added && !removed);
  const commonLength = common.reduce((sum, { value }) => sum + value.trim().length, 0);
  if (commonLength * 4 < Math.max(older.trim().length, newer.trim().length)) return undefined;
  return {
    old: changes.filter(({ added }) => !added).map(({ value, removed }) => ({ text: value, changed: removed })),
    new: changes.filter(({ removed }) => !removed).map(({ value, added }) => ({ text: value, changed: added })),
  };
}
