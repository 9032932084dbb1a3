import { expect, test } from 'vitest';
import { parseEnvironmentFile, readEnvironmentFile } from '../../../daemon/config/environment-file.ts';

test('lines are read as systemd.exec(5) has them', () => {
  const text = String.raw`# a comment
; another
HOODY_SQLITE_DRAIN=20
  HOODY_SQLITE_DATA = /not/a/line
HOODY_SQLITE_MOUNT="/with space/and \"quotes\""
HOODY_SQLITE_USER='a $b \c'
HOODY_SQLITE_CORS_ORIGIN=https://a.example,\
https://b.example
HOODY_SQLITE_LISTEN=
nonsense
`;
  expect(parseEnvironmentFile(text)).toEqual({
    HOODY_SQLITE_DRAIN: '20',
    HOODY_SQLITE_MOUNT: '/with space/and "quotes"',
    HOODY_SQLITE_USER: String.raw`a $b \c`,
    HOODY_SQLITE_CORS_ORIGIN: 'https://a.example,https://b.example',
    HOODY_SQLITE_LISTEN: '',
  });
});

test('a file that does not exist holds nothing, and one that cannot be read is an error', () => {
  expect(readEnvironmentFile('/nowhere/hoody-sqlite')).toEqual({});
  expect(() => readEnvironmentFile('/proc')).toThrow();
});
