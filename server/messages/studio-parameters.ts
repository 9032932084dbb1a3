// The parameters of SQL by name, for a form. Text work alone.
import { tokenize } from './sql-tokens.ts';

/** Without prefix, each once, in order; those without a name by SQLite's number in their statement. */
export function parameterNames(sql: string): string[] {
  const names = new Set<string>();
  let known = new Map<string, number>();
  let highest = 0;
  for (const { kind, text } of tokenize(sql)) {
    if (kind === 'semicolon') {
      known = new Map();
      highest = 0;
    }
    if (kind !== 'parameter') continue;
    const numbered = /^\?(\d+)$/.exec(text);
    const index = numbered === null ? (known.get(text) ?? highest + 1) : Number(numbered[1]);
    if (text !== '?') known.set(text, index);
    highest = Math.max(highest, index);
    names.add(text.startsWith('?') ? String(index) : text.slice(1));
  }
  return [...names];
}
