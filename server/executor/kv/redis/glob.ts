// Patterns of KEYS and SCAN as Redis matches them: by bytes. `*` any bytes, `?` one byte, `[abc]`, `[^a-z]`, `\` before
// a byte that stands for itself. https://redis.io/docs/latest/commands/keys/

/** One byte of a key: which values it may have, by index; or any number of any bytes. */
type Token = Uint8Array | '*';

export interface Glob {
  /** Every key that matches begins with this. */
  readonly prefix: string;
  readonly matches: (key: string) => boolean;
}

const star = 0x2a;
const question = 0x3f;
const open = 0x5b;
const close = 0x5d;
const caret = 0x5e;
const dash = 0x2d;
const backslash = 0x5c;

export function globOf(pattern: string): Glob {
  const tokens = tokensOf(Buffer.from(pattern));
  return { prefix: literalPrefix(pattern), matches: (key) => isMatch(tokens, Buffer.from(key)) };
}

/** By whole characters: a key range is one of text. */
function literalPrefix(pattern: string): string {
  let prefix = '';
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*' || character === '?' || character === '[') break;
    const isEscape = character === '\\' && at + 1 < characters.length;
    if (isEscape) at += 1;
    prefix += characters[at] ?? '';
  }
  return prefix;
}

function tokensOf(pattern: Buffer): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const byte = pattern[at] ?? 0;
    if (byte === star) {
      if (tokens.at(-1) !== '*') tokens.push('*');
    } else if (byte === question) tokens.push(new Uint8Array(256).fill(1));
    else if (byte === open) {
      const { token, end } = bracket(pattern, at + 1);
      tokens.push(token);
      at = end;
    } else {
      if (byte === backslash && at + 1 < pattern.length) at += 1;
      tokens.push(only(pattern[at] ?? 0));
    }
  }
  return tokens;
}

function only(byte: number): Uint8Array {
  const token = new Uint8Array(256);
  token[byte] = 1;
  return token;
}

/** From behind the opening bracket; `end` is the closing one, or the last byte of a pattern that lacks it. */
function bracket(pattern: Buffer, start: number): { readonly token: Uint8Array; readonly end: number } {
  const isNegated = pattern[start] === caret;
  const token = new Uint8Array(256);
  let at = isNegated ? start + 1 : start;
  for (; at < pattern.length && pattern[at] !== close; at += 1) {
    const byte = pattern[at] ?? 0;
    if (byte === backslash && at + 1 < pattern.length) {
      at += 1;
      token[pattern[at] ?? 0] = 1;
    } else if (pattern[at + 1] === dash && at + 2 < pattern.length) {
      fillRange(token, signed(byte), signed(pattern[at + 2] ?? 0));
      at += 2;
    } else token[byte] = 1;
  }
  const end = Math.min(at, pattern.length - 1);
  return { token: isNegated ? token.map((value) => 1 - value) : token, end };
}

/** Redis compares bytes as signed numbers: those above 127 come before all others. */
function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}

function fillRange(token: Uint8Array, one: number, other: number): void {
  for (let value = Math.min(one, other); value <= Math.max(one, other); value += 1) token[value & 0xff] = 1;
}

/** A star that fails takes one byte more; only the last one has to be tried again, so the work is bounded. */
function isMatch(tokens: readonly Token[], key: Buffer): boolean {
  let at = 0;
  let token = 0;
  let lastStar = -1;
  let retryAt = 0;
  while (at < key.length) {
    const wanted = tokens[token];
    if (wanted === '*') {
      lastStar = token;
      retryAt = at;
      token += 1;
    } else if (wanted !== undefined && wanted[key[at] ?? 0] === 1) {
      at += 1;
      token += 1;
    } else if (lastStar >= 0) {
      retryAt += 1;
      at = retryAt;
      token = lastStar + 1;
    } else return false;
  }
  return token === tokens.length || (token === tokens.length - 1 && tokens[token] === '*');
}
