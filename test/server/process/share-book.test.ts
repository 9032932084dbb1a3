// What is kept of share links, by two server processes at once, and what seals their cursors.
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seal, unseal } from '../../../server/process/routes/studio/sealed-cursor.ts';
import { ShareBook } from '../../../server/process/share-book.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-shares-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => new ShareBook(folder, '/data', () => {});
const request = { db: 'app', title: 'Ten best', view: { kind: 'sql', sql: 'SELECT 1' }, expiresIn: 3600 } as const;

test('a link is found by its token alone, and the file does not have the token', () => {
  const { token = '', ...share } = open().add(request);
  expect(open().find(token)).toEqual(share);
  expect(open().find(`${token}x`)).toBeUndefined();
  const [file = ''] = readdirSync(folder);
  expect(readFileSync(join(folder, file), 'utf8')).not.toContain(token);
});

test('a process sees at once what another one has added and revoked', () => {
  const [one, other] = [open(), open()];
  const { token = '', id } = one.add(request);
  expect(other.find(token)?.id).toBe(id);
  expect(one.secret).toEqual(other.secret);
  expect(other.revoke(id)).toBe(true);
  expect(one.find(token)).toBeUndefined();
  expect(one.revoke(id)).toBe(false);
});

test('a link that has ended shows nothing and is not listed', () => {
  const book = open();
  const { token = '' } = book.add({ ...request, expiresIn: -1 });
  expect(book.find(token)).toBeUndefined();
  expect(book.shares).toEqual([]);
});

test('a line that the death of a process has cut short harms no other', () => {
  const { token = '' } = open().add(request);
  const [file = ''] = readdirSync(folder);
  appendFileSync(join(folder, file), '{"add":{"id":"half');
  const next = open().add({ ...request, title: 'Next' });
  expect(open().find(token)?.title).toBe('Ten best');
  expect(open().find(next.token ?? '')?.title).toBe('Next');
});

test('a file of any length is read: what was revoked stays in it', () => {
  const { token = '' } = open().add(request);
  const [file = ''] = readdirSync(folder);
  const dead = `${JSON.stringify({ revoke: 'x'.repeat(16_000) })}\n`;
  appendFileSync(join(folder, file), `${dead.repeat(4_500)}${'x'.repeat(3_000_000)}\n`);
  const book = open();
  const next = book.add({ ...request, title: '\u{1f600}'.repeat(50) });
  expect(book.find(token)?.title).toBe('Ten best');
  expect(book.find(next.token ?? '')?.title).toBe(next.title);
  expect(book.revoke(next.id)).toBe(true);
  expect(book.find(next.token ?? '')).toBeUndefined();
  expect(book.secret).toEqual(book.secret);
});

test('a cursor opens for its own share and secret only', () => {
  const secret = open().secret;
  const sealed = seal('key of a row', secret, 'share-1');
  expect(Buffer.from(sealed, 'base64url').toString()).not.toContain('key of a row');
  expect(unseal(sealed, secret, 'share-1')).toBe('key of a row');
  // A short tag would be guessed soon.
  const shortTag = Buffer.from(seal('', secret, 'share-1'), 'base64url')
    .subarray(0, 16)
    .toString('base64url');
  for (const wrong of [
    () => unseal(sealed, secret, 'share-2'),
    () => unseal('x', secret, 'share-1'),
    () => unseal(shortTag, secret, 'share-1'),
  ]) {
    expect(wrong).toThrow('does not belong to the share');
  }
});
