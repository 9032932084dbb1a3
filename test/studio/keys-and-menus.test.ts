// The table of keys, the order of the jump menu, events of a stream.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { eventParser } from '../../server/studio/src/api/event-lines.ts';
import { bindings, isSingleKey, keyName } from '../../server/studio/src/key-table.ts';
import { findTargets } from '../../server/studio/src/ui/jump-targets.ts';
import { count, fileSize } from '../../server/studio/src/ui/sizes.ts';

const plain = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };

test('no key means two things in one scope', () => {
  const scopes = new Map<string, string[]>();
  for (const { scope, keys } of bindings) scopes.set(scope, [...(scopes.get(scope) ?? []), ...keys]);
  for (const [scope, keys] of scopes) expect(new Set(keys).size, scope).toBe(keys.length);
});

test('a key press is named as in the table', () => {
  expect(keyName({ ...plain, key: 'k', ctrlKey: true })).toBe('Ctrl+K');
  expect(keyName({ ...plain, key: 'k', metaKey: true })).toBe('Ctrl+K');
  expect(keyName({ ...plain, key: '?', shiftKey: true })).toBe('?');
  expect(keyName({ ...plain, key: 'n', altKey: true })).toBe('Alt+N');
  expect(keyName({ ...plain, key: 'Enter', ctrlKey: true, shiftKey: true })).toBe('Ctrl+Shift+Enter');
  expect(keyName({ ...plain, key: ' ' })).toBe('Space');
  expect(keyName({ ...plain, key: 'ArrowDown', shiftKey: true })).toBe('Shift+ArrowDown');
});

test('single letters and their sequences can be told, to be switched off', () => {
  expect(['g t', '/', '?', 'n'].every(isSingleKey)).toBe(true);
  expect(['Ctrl+K', 'Enter', 'F2', 'Space'].some(isSingleKey)).toBe(false);
});

test('the jump menu puts beginnings before words before places within before letters in order', () => {
  const labels = ['old_users', 'user_roles', 'users', 'abusers', 'u_s_e_r'];
  const targets = labels.map((label) => ({ id: label, label, kind: 'table', href: '' }));
  expect(findTargets(targets, 'user').map(({ label }) => label)).toEqual([
    'user_roles',
    'users',
    'old_users',
    'abusers',
    'u_s_e_r',
  ]);
  expect(findTargets(targets, 'users')[0]?.label).toBe('users');
  expect(findTargets(targets, 'zz')).toEqual([]);
});

test('events are read from pieces of any size', () => {
  const stream = ': hello\n\nid: 7\nevent: commit\ndata: {"a":1}\n\ndata: two\ndata: lines\n\n';
  const whole = eventParser()(stream);
  const parse = eventParser();
  expect([...stream].flatMap((letter) => parse(letter))).toEqual(whole);
  expect(whole).toEqual([
    { event: 'commit', data: '{"a":1}', id: '7' },
    { event: 'message', data: 'two\nlines', id: null },
  ]);
});

test('sizes and counts are written for people', () => {
  expect([0, 1023, 1024, 2150, 10 * 1024 * 1024, 300 * 1024].map(fileSize)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KB',
    '2.1 KB',
    '10.0 MB',
    '300 KB',
  ]);
  expect(count(1_000_000)).toBe('1,000,000');
});

test('every key of the table does something', () => {
  const folder = resolve(import.meta.dirname, '../../server/studio/src');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  const code = sources
    .filter((file) => file !== 'key-table.ts')
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  expect(bindings.map(({ id }) => id).filter((id) => !code.includes(`'${id}'`))).toEqual([]);
});
