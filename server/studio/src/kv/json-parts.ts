// The parts of a JSON text that are drawn in colours of their own. Pure.

export interface JsonPart {
  readonly kind: 'name' | 'text' | 'number' | 'word' | 'other';
  readonly text: string;
}

/** Longer texts are drawn without colours: each part is an element. */
const longest = 100_000;

/** All of the text, in order. A text that is not JSON, or too long, is one part. */
export function jsonParts(text: string): JsonPart[] {
  if (text.length > longest) return [{ kind: 'other', text }];
  const parts: JsonPart[] = [];
  let end = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g)) {
    if (match.index > end) parts.push({ kind: 'other', text: text.slice(end, match.index) });
    const [token, colon = ''] = match;
    parts.push({ kind: kindOf(token, colon), text: token.slice(0, token.length - colon.length) });
    if (colon !== '') parts.push({ kind: 'other', text: colon });
    end = match.index + token.length;
  }
  if (end < text.length) parts.push({ kind: 'other', text: text.slice(end) });
  return parts;
}

function kindOf(token: string, colon: string): JsonPart['kind'] {
  if (token.startsWith('"')) return colon === '' ? 'text' : 'name';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}
