// Rows as columns for a person.

const gap = '  ';

/**
 * Lines, each with its line end. Columns whose head is in `right` stand right; the last one is not padded.
 */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0;
    return right.includes(heads[column] ?? '') ? text.padStart(width) : text.padEnd(width);
  };
  return all.map((row) => `${row.map(cell).join(gap).trimEnd()}\n`).join('');
}

/** On one line, at most so long. */
export function shortened(text: string, mostLetters: number): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= mostLetters ? line : `${line.slice(0, mostLetters - 3)}...`;
}
