// JSON without loss of integers. JSON.parse rounds integers beyond 2^53 and turns 1.0 into 1; SQLite has 64-bit
// integers and keeps integers and reals apart. Reading: integers beyond 2^53 become bigint (or every integer does, on
// request). Writing: bigint is a plain JSON number. A reader of our own, because Node 20's JSON.parse does not tell a
// reviver how a number was written; Node 22's does.
import { ApiError } from './errors.ts';
import { limits } from './limits.ts';

export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON text that stands in an answer as it is. JSON.stringify cannot write it, so that stringifyJson does. */
export class RawJson {
  readonly text: string;

  /** `text` is one JSON document, which nobody looks at again. */
  constructor(text: string) {
    this.text = text;
  }

  toJSON(): never {
    throw new TypeError('RawJson is written by stringifyJson');
  }
}

/** 16 digits in a row may be an integer beyond 2^53: only then is JSON.parse not exact. */
const mayHoldBigInteger = /\d{16}/;
/** Without a point, an exponent and such an integer, every number that JSON.parse finds was written as an integer. */
const mayHoldMore = /\d(?:[.eE]|\d{15})/;

/**
 * One JSON document (leading and trailing white space allowed), nested no deeper than `limits.jsonDepth`. Integers
 * beyond 2^53 are bigint; other numbers beyond what a double holds are Infinity.
 * @throws SyntaxError
 */
export function parseJson(text: string): Json {
  checkDepth(text);
  return mayHoldBigInteger.test(text) ? new Reader(text, false).document() : (JSON.parse(text) as Json);
}

/**
 * As parseJson, but every number written without point and exponent is a bigint, so `1` and `1.0` differ. @throws
 * SyntaxError
 */
export function parseJsonTyped(text: string): Json {
  checkDepth(text);
  return (mayHoldMore.test(text) ? undefined : readIntegers(text)) ?? new Reader(text, true).document();
}

/** undefined: the reader of our own says what is wrong, or null is the whole document. */
function readIntegers(text: string): Json | undefined {
  try {
    return withBigints(JSON.parse(text) as Json) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The same value, changed in place. */
function withBigints(value: Json): Json {
  if (typeof value === 'number') return BigInt(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) for (let at = 0; at < value.length; at += 1) value[at] = withBigints(value[at] ?? null);
  else for (const name of Object.keys(value)) value[name] = withBigints(value[name] ?? null);
  return value;
}

/**
 * Recursive writers and readers, ours and those of clients, end on a text that is nested without limit.
 * @throws SyntaxError
 */
export function checkDepth(text: string): void {
  // What is shorter has no room for so many pairs.
  if (text.length <= 2 * limits.jsonDepth) return;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quoteCode) at = endOfString(text, at) - 1;
    else if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (depth > limits.jsonDepth) throw new SyntaxError(`JSON is nested deeper than ${limits.jsonDepth} levels`);
  }
}

const quoteCode = 0x22;
const backslashCode = 0x5c;

/** `at` is that of the opening quote. @returns the position after the closing one, or after the text */
export function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote;
    while (text.charCodeAt(before - 1) === backslashCode) before -= 1;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Compact JSON text, as JSON.stringify, with every bigint as a plain number, and RawJson as it is. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return write(value);
  }
}

type BodyCode = 'INVALID_PARAMETERS' | 'INVALID_JSON_VALUE';

/** Decodes bytes that must be one JSON document in UTF-8. @throws ApiError with `code` */
export function parseJsonBody(bytes: Uint8Array, code: BodyCode): Json {
  return readJsonBody(bytes, code).value;
}

/** As parseJsonBody, with the text that the value was read from. */
export function readJsonBody(bytes: Uint8Array, code: BodyCode): { readonly text: string; readonly value: Json } {
  if (bytes.length === 0) throw new ApiError(code, 'a JSON body is required');
  try {
    const text = utf8.decode(bytes);
    return { text, value: parseJson(text) };
  } catch (cause) {
    throw new ApiError(code, `the body is not valid JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, {
      cause,
    });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function write(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'object': {
      if (value === null) return 'null';
      if (value instanceof RawJson) return value.text;
      if (Array.isArray(value))
        return `[${value.map((item) => (item === undefined ? 'null' : write(item))).join(',')}]`;
      const members: string[] = [];
      for (const [name, member] of Object.entries(value)) {
        if (member !== undefined) members.push(`${JSON.stringify(name)}:${write(member)}`);
      }
      return `{${members.join(',')}}`;
    }
    default:
      return JSON.stringify(value) ?? 'null';
  }
}

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
/** Everything up to the next quote, backslash or control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in a string.
const plainText = /[^"\\\u0000-\u001f]*/y;
const whiteSpace = /[ \t\r\n]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  readonly #text: string;
  readonly #everyInteger: boolean;
  #at = 0;

  constructor(text: string, everyInteger: boolean) {
    this.#text = text;
    this.#everyInteger = everyInteger;
  }

  document(): Json {
    const value = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(): Json {
    this.#skip();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(): Json {
    const result: { [name: string]: Json } = {};
    this.#at += 1;
    this.#skip();
    if (this.#take('}')) return result;
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] !== '"') throw this.#unexpected();
      const name = this.#string();
      this.#skip();
      if (!this.#take(':')) throw this.#unexpected();
      const value = this.#value();
      if (name === '__proto__') {
        Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true });
      } else {
        result[name] = value;
      }
      this.#skip();
      if (this.#take('}')) return result;
      if (!this.#take(',')) throw this.#unexpected();
    }
  }

  #array(): Json {
    const result: Json[] = [];
    this.#at += 1;
    this.#skip();
    if (this.#take(']')) return result;
    for (;;) {
      result.push(this.#value());
      this.#skip();
      if (this.#take(']')) return result;
      if (!this.#take(',')) throw this.#unexpected();
    }
  }

  #string(): string {
    this.#at += 1;
    let result = '';
    for (;;) {
      result += this.#match(plainText)?.[0] ?? '';
      const stop = this.#text[this.#at];
      if (stop === '"') {
        this.#at += 1;
        return result;
      }
      if (stop !== '\\') throw this.#unexpected();
      const letter = this.#text[this.#at + 1] ?? '';
      const plain = escapes[letter];
      if (plain !== undefined) {
        result += plain;
        this.#at += 2;
        continue;
      }
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#unexpected();
      result += String.fromCharCode(Number.parseInt(hex, 16));
      this.#at += 6;
    }
  }

  #number(): Json {
    const match = this.#match(number);
    if (match === null) throw this.#unexpected();
    const [text, fraction, exponent] = match;
    if (fraction !== undefined || exponent !== undefined) return Number(text);
    if (this.#everyInteger) return BigInt(text);
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
  }

  #word<Value extends Json>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skip(): void {
    this.#match(whiteSpace);
  }

  #unexpected(): SyntaxError {
    const found = this.#text[this.#at];
    return new SyntaxError(
      found === undefined ? 'JSON ends early' : `unexpected ${JSON.stringify(found)} at position ${this.#at}`,
    );
  }
}
