// How the page shows, compares and quotes the value of a key.
import { expect, test } from 'vitest';
import { jsonParts } from '../../server/studio/src/kv/json-parts.ts';
import { keySnippets } from '../../server/studio/src/kv/key-snippets.ts';
import { compactJson } from '../../server/studio/src/kv/pretty-json.ts';
import { bytesOfValue, comparable, isCut, textOfValue } from '../../server/studio/src/kv/value-text.ts';

test('JSON is indented, text is as it is, bytes are no text', () => {
  expect(textOfValue({ value: '{"a":1}', type: 'json' })).toEqual({ text: '{"a":1}', pretty: '{\n  "a": 1\n}' });
  expect(textOfValue({ value: '{"a":1}', type: 'text' })?.pretty).toBeUndefined();
  expect(textOfValue({ value: { blob: 'AAE=', bytes: 2 }, type: 'binary' })).toBeUndefined();
  expect([...bytesOfValue({ blob: 'AAE=', bytes: 2 })]).toEqual([0, 1]);
});

test('a value of which the server sent the beginning is cut, and has no pretty form', () => {
  const value = { text: '{"a":', bytes: 10_000_000 };
  expect(isCut({ value, bytes: 10_000_000 })).toBe(true);
  expect(textOfValue({ value, type: 'json' })).toEqual({ text: '{"a":', pretty: undefined });
  expect(isCut({ value: { blob: 'AAE=', bytes: 9 }, bytes: 9 })).toBe(true);
  expect(isCut({ value: { blob: 'AAE=', bytes: 2 }, bytes: 2 })).toBe(false);
  expect(isCut({ value: 'whole', bytes: 5 })).toBe(false);
});

test('versions are compared as indented JSON, bytes as a dump, no key as nothing', () => {
  const hex = () => 'dump';
  expect(comparable({ value: '[1]', type: 'json', exists: true }, hex)).toBe('[\n  1\n]');
  expect(comparable({ value: { blob: 'AA==', bytes: 1 }, type: 'binary', exists: true }, hex)).toBe('dump');
  expect(comparable({ value: null, type: 'text', exists: false }, hex)).toBe('');
});

test('compact JSON loses white space only', () => {
  expect(compactJson('{\n  "a b": [1.0, 9223372036854775807]\n}')).toBe('{"a b":[1.0,9223372036854775807]}');
  expect(compactJson('{')).toBeUndefined();
});

test('the coloured parts of JSON are all of its text', () => {
  const text = '{\n  "name": "a: \\"b\\"",\n  "n": [-1.5e3, true, null]\n}';
  const parts = jsonParts(text);
  expect(parts.map((part) => part.text).join('')).toBe(text);
  expect(parts.filter(({ kind }) => kind === 'name').map((part) => part.text)).toEqual(['"name"', '"n"']);
  expect(parts.find(({ kind }) => kind === 'text')?.text).toBe('"a: \\"b\\""');
  expect(parts.filter(({ kind }) => kind === 'number' || kind === 'word').map((part) => part.text)).toEqual([
    '-1.5e3',
    'true',
    'null',
  ]);
});

test('snippets of a key quote names by the rules of their language', () => {
  const snippets = keySnippets({ db: 'app.db', table: 'my "kv"', key: "it's/1" }, 'http://127.0.0.1:1/');
  expect(snippets.map(({ text }) => text)).toEqual([
    `curl -s 'http://127.0.0.1:1/api/v1/sqlite/kv/it'\\''s%2F1?db=app.db&table=my+%22kv%22'`,
    `const value = await fetch("http://127.0.0.1:1/api/v1/sqlite/kv/it's%2F1?db=app.db&table=my+%22kv%22").then((answer) => answer.text());`,
    `SELECT CAST(value AS TEXT) FROM "my ""kv""" WHERE key = 'it''s/1'`,
  ]);
});
