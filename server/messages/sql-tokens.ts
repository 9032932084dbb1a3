// Cuts SQL text into tokens the way SQLite's tokenizer does, as far as the API needs it: to split scripts, count
// parameters and recognise keywords without being fooled by strings, comments or quoted names.

export type TokenKind =
  | 'word'
  | 'string'
  /** "name", [name] or `name` */
  | 'quoted'
  | 'number'
  | 'parameter'
  | 'semicolon'
  | 'other';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** As written; upper case for a word. */
  readonly text: string;
}

// SQLite takes a vertical tab for white space only behind other white space, and a byte order mark where a token may
// begin.
const space = /[ \t\n\f\r][ \t-\r]*|\ufeff/y;
// SQLite ends an unfinished block comment at the end of the input; an unfinished string it refuses itself.
const comment = /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/y;
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['string', /[xX]'[^']*'?|'(?:[^']|'')*'?/y],
  ['quoted', /"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?/y],
  ['word', /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y],
  ['number', /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y],
  // $name may carry ::suffixes and a parenthesised end, as Tcl variables do.
  ['parameter', /\?\d*|[:@#][A-Za-z0-9_$\u0080-\uffff]+|\$(?:[A-Za-z0-9_$\u0080-\uffff]|::)+(?:\([^)\s]*\))?/y],
  ['semicolon', /;/y],
  ['other', /[\s\S]/y],
];

/** All tokens of the text but white space and comments. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const skipped = lengthAt(space, sql, at) || lengthAt(comment, sql, at);
    if (skipped > 0) {
      at += skipped;
      continue;
    }
    for (const [kind, pattern] of patterns) {
      const length = lengthAt(pattern, sql, at);
      if (length === 0) continue;
      const text = sql.slice(at, at + length);
      tokens.push({ kind, start: at, end: at + length, text: kind === 'word' ? text.toUpperCase() : text });
      at += length;
      break;
    }
  }
  return tokens;
}

/** The name inside a quoted token, or the string inside a string token. */
function unquote(token: Token): string {
  const quote = token.text[0] ?? '';
  const inner = token.text.slice(1, token.text.endsWith(quote === '[' ? ']' : quote) ? -1 : undefined);
  return quote === '[' ? inner : inner.replaceAll(quote + quote, quote);
}

/** The text of a word, or what its quotes hold. */
export function nameOf(token: Token): string {
  return token.kind === 'quoted' || token.kind === 'string' ? unquote(token) : token.text;
}

function lengthAt(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0].length ?? 0;
}
