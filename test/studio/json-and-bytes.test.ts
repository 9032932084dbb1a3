// How the page shows a value: indented JSON that keeps every digit, and a hex dump.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesFromBase64, hexLines } from '../../server/studio/src/kv/bytes.ts';
import { prettyJson } from '../../server/studio/src/kv/pretty-json.ts';

test('pretty JSON is what JSON.stringify would make of any document', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (json, space) => {
      const text = JSON.stringify(JSON.parse(json), null, space);
      expect(prettyJson(text)).toBe(JSON.stringify(JSON.parse(text), null, 2));
    }),
  );
});

test('pretty JSON keeps large integers, the spelling of numbers and strings, and members that come twice', () => {
  const text = '{"id":9223372036854775807,"x":1.0e5,"s":"\\u0041 {[,:]} \\"","id":1,"e":{},"f":[ ]}';
  expect(prettyJson(text)).toBe(
    [
      '{',
      '  "id": 9223372036854775807,',
      '  "x": 1.0e5,',
      '  "s": "\\u0041 {[,:]} \\"",',
      '  "id": 1,',
      '  "e": {},',
      '  "f": []',
      '}',
    ].join('\n'),
  );
});

test('a text that is not one JSON document has no pretty form', () => {
  for (const text of ['', '{', '{"a":1} {"b":2}', "{'a':1}", 'hello']) expect(prettyJson(text)).toBeUndefined();
});

test('a hex dump shows offsets, bytes and what can be printed of them', () => {
  const bytes = Uint8Array.from([0, 1, 0xff, ...Buffer.from('hoody-sqlite reads')]);
  expect(hexLines(bytes)).toEqual([
    { offset: '00000000', hex: '00 01 ff 68 6f 6f 64 79  2d 73 71 6c 69 74 65 20', text: '...hoody-sqlite ' },
    { offset: '00000010', hex: '72 65 61 64 73', text: 'reads' },
  ]);
  expect(hexLines(new Uint8Array())).toEqual([]);
});

test('base64 becomes the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(bytesFromBase64(Buffer.from(bytes).toString('base64'))).toEqual(Uint8Array.from(bytes));
    }),
  );
});
