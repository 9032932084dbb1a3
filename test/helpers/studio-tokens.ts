// A studio whose daemon asks for a token: `writer` may do all, `reader` may read.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Studio, withStudio } from './browser.ts';

export async function withTokens(use: (studio: Studio) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-tokens-'));
  chmodSync(folder, 0o755);
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, 'full writer\nread reader\n', { mode: 0o644 });
  try {
    await withStudio(use, ['--auth-token-file', tokens]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With the token that may do all. */
export function call({ daemon }: Studio, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${daemon.url}/api/v1/sqlite/${path}`, {
    method,
    headers: { Authorization: 'Bearer writer' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
