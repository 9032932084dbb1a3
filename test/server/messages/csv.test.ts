import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnNames, csvBlob, csvBytes, csvText, csvValue, numberOf } from '../../../server/messages/csv-cells.ts';
import { csvDelimiters, guessDelimiter } from '../../../server/messages/csv-delimiter.ts';
import { CsvReader } from '../../../server/messages/csv-reader.ts';

const plain = { guardFormulas: false, separator: ',' };

/** The records of a file that arrives in chunks of this size. */
function read(file: string | Buffer, size = 1_000): string[][] {
  const bytes = Buffer.from(file);
  const reader = new CsvReader();
  const records = [];
  for (let at = 0; at < bytes.length; at += size) records.push(...reader.push(bytes.subarray(at, at + size)));
  records.push(...reader.end());
  return records.map(({ cells }) => cells.map(({ bytes: cell, isQuoted }) => (isQuoted ? `<${cell}>` : String(cell))));
}

test.each([1, 2, 3, 1_000])('records are read as RFC 4180 has them, in chunks of %i bytes', (size) => {
  const file = '\ufeffa,b\r\n1,"x, ""y""\r\nz"\n,""\r"",\n\n"end"';
  expect(read(file, size)).toEqual([['a', 'b'], ['1', '<x, "y"\r\nz>'], ['', '<>'], ['<>', ''], [''], ['<end>']]);
  expect(read('', size)).toEqual([]);
  expect(read('a\r\n', size)).toEqual([['a']]);
  expect(read('a,', size)).toEqual([['a', '']]);
  expect(read('a"b,c', size)).toEqual([['a"b', 'c']]);
  expect(() => read('x\n"a"b', size)).toThrow(/line 2: .*behind a closing quote/);
  expect(() => read('x\n"a', size)).toThrow(/line 2: .*not closed/);
});

test.each([1, 3, 1_000])('a record knows the line where it begins, in chunks of %i bytes', (size) => {
  const file = Buffer.from('a\r\n"x\n\ny",1\n"z\r\n"\rlast');
  const reader = new CsvReader();
  const records = [];
  for (let at = 0; at < file.length; at += size) records.push(...reader.push(file.subarray(at, at + size)));
  records.push(...reader.end());
  expect(records.map(({ line }) => line)).toEqual([1, 2, 5, 7]);
});

test('a cell is read as what was written', () => {
  const cell = (text: string | Buffer) => {
    const [record] = (() => {
      const reader = new CsvReader();
      return [...reader.push(Buffer.concat([Buffer.from(text), Buffer.from('\r\n')])), ...reader.end()];
    })();
    return csvValue(record?.cells[0] ?? { bytes: Buffer.alloc(0), isQuoted: false });
  };
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'",\r\n\0 X\'0=e-.') })),
      (text) => {
        expect(cell(csvText(text, plain))).toEqual({ text: Buffer.from(text) });
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (given) => {
      const bytes = Buffer.from(given);
      expect(cell(csvBytes(bytes))).toEqual({ text: bytes });
      expect(cell(csvBlob(bytes))).toEqual({ blob: bytes });
    }),
  );
  for (const text of ['12', '-1.5e3', '', ' x', "X'00'", '\ufeff']) expect(csvText(text, plain)).toBe(`"${text}"`);
  expect(cell('')).toBeNull();
  expect(cell('12')).toEqual({ literal: '12' });
  expect(cell('plain')).toEqual({ text: Buffer.from('plain') });
});

test('a formula is guarded where that is asked for', () => {
  expect(['=1+1', '+1', '-x', '@a', 'a=b'].map((text) => csvText(text, { ...plain, guardFormulas: true }))).toEqual([
    "'=1+1",
    "'+1",
    "'-x",
    "'@a",
    'a=b',
  ]);
});

test('a literal is a number only where nothing of it is lost', () => {
  const literals = [
    '12',
    '-0',
    '007',
    '9223372036854775807',
    '9223372036854775808',
    '1.5',
    '1.50',
    '1.0',
    '9e999',
    '+5',
  ];
  const infinity = Number.POSITIVE_INFINITY;
  expect(literals.map(numberOf)).toEqual([12n, null, null, 9223372036854775807n, null, 1.5, null, 1, infinity, null]);
});

test('columns of a new table all have names, each once', () => {
  expect(columnNames(['a', '', 'A', 'a', 'column2'])).toEqual(['a', 'column2', 'A_2', 'a_3', 'column2_2']);
});

test('what stands between fields is found by the first records', () => {
  const guess = (file: string) =>
    guessDelimiter((delimiter) => {
      const reader = new CsvReader(csvDelimiters[delimiter]);
      try {
        return [...reader.push(Buffer.from(file)), ...reader.end()].map(({ cells }) => cells.length);
      } catch {
        return []; // a quote that means nothing between these
      }
    });
  expect(guess('a;b\n1,5;2,5\n')).toBe('semicolon');
  expect(guess('name, town;total\nx, y;1,5\nz;2\n')).toBe('semicolon');
  expect(guess('a\tb\tc\n1,2\t;\t3\n')).toBe('tab');
  expect(guess('a,b,c\n"x;y",1;2;3,z\n')).toBe('comma');
  expect(guess('only\nx;y\n')).toBe('comma');
  expect(guess('a;b;c\n1;2\n')).toBe('semicolon'); // the second record is at fault, not the delimiter
  expect(guess('')).toBe('comma');
});

test('a separator within a text is quoted', () => {
  expect(csvText('a;b', { ...plain, separator: ';' })).toBe('"a;b"');
  expect(csvText('a\tb', { ...plain, separator: '\t' })).toBe('"a\tb"');
  expect(csvText('a;b', plain)).toBe('a;b');
});

test('a record that is too long is refused before it fills the memory', () => {
  const reader = new CsvReader(',', 1_000);
  reader.push(Buffer.from(`ok\n${'x,'.repeat(400)}\n`));
  const push = () => {
    for (let n = 0; n < 3; n += 1) reader.push(Buffer.from(n === 0 ? `"${'y'.repeat(400)}` : 'y'.repeat(400)));
  };
  expect(push).toThrow(
    expect.objectContaining({
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringMatching(/line 3: .*quote not closed/),
    }),
  );
});
