// Cells without loss: how they look, how they are written as SQL and JSON, and what a typed text means.
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { StudioValue } from '../../server/messages/studio/values.ts';
import {
  affinityOf,
  base64FromBytes,
  bytesFromHex,
  filterValueOf,
  isCut,
  jsonText,
  kindOf,
  showInvisible,
  sqlLiteral,
  sqlName,
  textOf,
  valueOfText,
} from '../../server/studio/src/api/values.ts';

const smallest = '-9223372036854775808';
const largest = '9223372036854775807';

test('every kind of value is told from its brothers', () => {
  const values: StudioValue[] = [null, '', 'NULL', { int: '1' }, { real: '1.0' }, { blob: '', bytes: 0 }];
  expect(values.map(kindOf)).toEqual(['null', 'text', 'text', 'integer', 'real', 'blob']);
  expect(kindOf({ text: 'beginning', bytes: 1_048_576 })).toBe('text');
  expect(kindOf({ badText: 'Yf9i', bytes: 3 })).toBe('bad text');
});

test('a value is cut exactly when the server says that there is more of it', () => {
  expect(isCut('whole')).toBe(false);
  expect(isCut({ text: 'a', bytes: 3000 })).toBe(true);
  expect(isCut({ blob: 'AP/+', bytes: 3 })).toBe(false);
  expect(isCut({ blob: 'AP/+', bytes: 4 })).toBe(true);
  expect(isCut({ blob: 'AA==', bytes: 1 })).toBe(false);
});

test('SQL text of a value gives SQLite the same value back', () => {
  const db = new Database(':memory:').defaultSafeIntegers();
  const cases: [StudioValue, string, string][] = [
    [null, 'null', ''],
    ['', 'text', ''],
    ["it's", 'text', Buffer.from("it's").toString('hex')],
    ['a\0b', 'text', '610062'],
    [{ int: smallest }, 'integer', Buffer.from(smallest).toString('hex')],
    [{ int: largest }, 'integer', Buffer.from(largest).toString('hex')],
    [{ real: '5' }, 'real', Buffer.from('5.0').toString('hex')],
    [{ real: 'Inf' }, 'real', Buffer.from('Inf').toString('hex')],
    [{ blob: 'AP/+', bytes: 3 }, 'blob', '00fffe'],
    [{ badText: 'Yf9i', bytes: 3 }, 'text', '61ff62'],
  ];
  for (const [value, type, hex] of cases) {
    const literal = sqlLiteral(value);
    const row = db.prepare(`SELECT typeof(v) AS type, lower(hex(v)) AS hex FROM (SELECT ${literal} AS v)`).get();
    expect(row, literal).toEqual({ type, hex });
  }
  db.close();
});

test('names are quoted as SQLite reads them', () => {
  expect(sqlName('a"b')).toBe('"a""b"');
  expect(sqlName('')).toBe('""');
});

test('JSON keeps all digits of an integer', () => {
  expect(jsonText({ int: '9007199254740993' })).toBe('9007199254740993');
  expect(jsonText({ real: 'Inf' })).toBe('"Inf"');
  expect(jsonText(null)).toBe('null');
});

test('a typed text means what SQLite would make of it in such a column', () => {
  expect(valueOfText('5', 'INTEGER')).toEqual({ int: '5' });
  expect(valueOfText('5', 'TEXT')).toBe('5');
  expect(valueOfText('5.5', 'REAL')).toEqual({ real: '5.5' });
  expect(valueOfText('five', 'INTEGER')).toBe('five');
  expect(valueOfText(largest, 'INTEGER')).toEqual({ int: largest });
  expect(valueOfText('9223372036854775808', 'INTEGER')).toEqual({ real: '9223372036854776000' });
  expect(valueOfText('5', '', 'text before')).toBe('5');
  expect(valueOfText('5', '', { int: '4' })).toEqual({ int: '5' });
});

test('a filter of a column without a type compares a number with numbers', () => {
  expect(filterValueOf('5', '')).toEqual({ int: '5' });
  expect(filterValueOf('5', 'VARCHAR(10)')).toBe('5');
});

test('declared types have the affinity of SQLite', () => {
  const types = ['BIGINT', 'VARCHAR(20)', 'DOUBLE', 'DECIMAL(10,5)', 'BLOB', '', 'FLOATING POINT'];
  expect(types.map(affinityOf)).toEqual(['integer', 'text', 'real', 'numeric', 'blob', 'blob', 'integer']);
});

test('characters that cannot be seen are shown, an emoji stays whole', () => {
  expect(showInvisible('a\nb\tc\x1b\0')).toBe('a\u21b5b\u21e5c\\x1b\\x00');
  expect(showInvisible('\u202eevil')).toBe('\\u202eevil');
  const family = '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}';
  expect(showInvisible(family)).toBe(family);
});

test('bytes are read from hex, and only from whole bytes', () => {
  expect(base64FromBytes(bytesFromHex('00 ff fe') ?? new Uint8Array())).toBe('AP/+');
  expect(bytesFromHex('0')).toBeNull();
  expect(bytesFromHex('zz')).toBeNull();
  expect(textOf({ blob: 'AP/+', bytes: 3 })).toBe('00fffe');
});
