// The file of tokens: who may use the API.
import { createHash } from 'node:crypto';
import type { Access } from './access.ts';

export interface Token {
  readonly access: Access;
  /** SHA-256 of the token, so that comparing takes the same time for every token. */
  readonly digest: Buffer;
}

/** Lines `full TOKEN` or `read TOKEN`; empty lines and # comments are skipped. @throws Error naming the line */
export function parseTokens(text: string): Token[] {
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const match = /^(full|read)\s+(\S+)$/.exec(trimmed);
    if (match === null) throw new Error(`token file, line ${index + 1}: expected "full TOKEN" or "read TOKEN"`);
    return [{ access: match[1] === 'full' ? 'full' : 'read', digest: digestOf(match[2] ?? '') }];
  });
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
