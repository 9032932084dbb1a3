import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { childrenOf, readXml, textOf, XmlError, xmlText } from '../../../../../fs/archive/ship/s3/xml.ts';

test('elements, texts, entities and what has no end of its own are read', () => {
  const list = readXml(`<?xml version="1.0" encoding="UTF-8"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/" a='b'>
      <Name>shipped</Name><Prefix/><IsTruncated>false</IsTruncated>
      <Contents><Key>a&amp;b &lt;&gt;&quot;&apos;&#x1;&#13;&#128512;</Key><Size>12</Size></Contents>
      <Contents><Key> spaces </Key><Size>0</Size><Owner><ID>7</ID></Owner></Contents>
    </ListBucketResult>
  `);
  expect(list.name).toBe('ListBucketResult');
  expect(textOf(list, 'Prefix')).toBe('');
  expect(textOf(list, 'NextContinuationToken')).toBeUndefined();
  expect(childrenOf(list, 'Contents').map((each) => textOf(each, 'Key'))).toEqual([
    'a&b <>"\'\u0001\r\u{1f600}',
    ' spaces ',
  ]);
});

const char = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

test('a line end is a line feed, unless it is escaped', () => {
  expect(readXml('<a>1\r\n2\r3&#13;</a>').text).toBe('1\n2\n3\r');
});

test('any text comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: char }), (text) => {
      expect(textOf(readXml(`<a><b>${xmlText(text)}</b></a>`), 'b')).toBe(text);
    }),
  );
});

describe('what S3 does not send is refused', () => {
  test.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a></a></a>',
    '<a/><b/>',
    '<a/>text',
    '</a>',
    '<a><b></a></b>',
    '<a',
    '<a b=c></a>',
    '<a>&unknown;</a>',
    '<a>&amp</a>',
    '<a>&#x110000;</a>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<a><![CDATA[x]]></a>',
    '<!-- comment --><a/>',
    '<html><p>No such page<br></html>',
    `${'<a>'.repeat(50)}${'</a>'.repeat(50)}`,
  ])('%s', (xml) => {
    expect(() => readXml(xml)).toThrow(XmlError);
  });

  test('whatever it is, it is refused or read, and nothing else', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b/>',
      '&',
      '&amp;',
      ';',
      '<',
      '>',
      '"',
      'x',
      '<?xml?>',
      '<!',
      ' b="c"',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          expect(readXml(pieces.join('')).name).toMatch(/^[ab]$/);
        } catch (error) {
          if (!(error instanceof XmlError)) throw error;
        }
      }),
    );
  });
});
