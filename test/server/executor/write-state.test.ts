import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeState } from '../../../server/executor/write-state.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pageBytes = 512;

// The larger ones go past the page cache, in parts of 4 MiB and blocks of 4 KiB.
test.each([
  ['small', 7, 7],
  ['small, cut', 7, 3],
  ['small, grown', 7, 20],
  ['large', 32_768, 32_768],
  ['large, no whole block', 32_771, 32_771],
  ['large, cut', 40_001, 39_998],
  ['large, grown', 33_000, 40_000],
])('%s: of a base of %i pages a state of %i', (_, basePages, databasePages) => {
  const [base, patch, target] = ['base', 'patch', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const content = Buffer.alloc(basePages * pageBytes);
  for (let page = 1; page <= basePages; page++) content.fill(`page ${page} `, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(base, content);
  const pages = [1, 2, databasePages];
  const entries = pages.map((page) => {
    const entry = Buffer.alloc(4 + pageBytes, page % 251);
    entry.writeUInt32LE(page);
    return entry;
  });
  writeFileSync(patch, Buffer.concat(entries));
  const { mtimeNs } = statSync(base, { bigint: true });
  const stamp = { path: base, bytes: content.length, modifiedNs: String(mtimeNs) };
  writeState({ base: stamp, patch: { path: patch, pages: pages.length }, pageBytes, databasePages }, target);

  const wanted = Buffer.alloc(databasePages * pageBytes);
  content.copy(wanted);
  for (const [index, page] of pages.entries()) entries[index]?.copy(wanted, (page - 1) * pageBytes, 4);
  wanted.fill(1, 18, 20); // no write-ahead log
  expect(readFileSync(target).equals(wanted)).toBe(true);
  expect(statSync(target).mode & 0o777).toBe(0o666 & ~process.umask());
});
