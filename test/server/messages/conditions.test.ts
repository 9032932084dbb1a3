// If-Match and If-None-Match as clients write them: which lists of tags are understood, and which are refused.
import { describe, expect, test } from 'vitest';
import { parseIfAbsent, parseIfMatch } from '../../../server/messages/conditions.ts';

const code = (value: string) => expect.objectContaining({ code: value });

describe('a list of tags', () => {
  test.each<[string, '*' | string[]]>([
    ['*', '*'],
    [' * ', '*'],
    ['"a"', ['"a"']],
    ['"a","b" , "c"', ['"a"', '"b"', '"c"']],
    [', "a",, "b" ,', ['"a"', '"b"']],
    ['"with, comma"', ['"with, comma"']],
    ['""', ['""']],
  ])('If-Match %s', (text, tags) => expect(parseIfMatch(text)).toEqual(tags));

  test.each(['', ' ', ',', 'a', '"a', '"a" "b"', '"a"b', 'W/"a"', '"a", W/"b"', '*, "a"', '"a", *'])(
    'If-Match %j is refused',
    (text) => expect(() => parseIfMatch(text)).toThrow(code('INVALID_PARAMETERS')),
  );

  test.each(['"a"', '', '**', '*,"a"'])('If-None-Match %j of a write is refused', (text) => {
    expect(() => parseIfAbsent(text)).toThrow(code('INVALID_PARAMETERS'));
  });
});
