import { expect, test } from 'vitest';
import { parseListenAddress, urlOf } from '../../../daemon/config/listen-address.ts';

test.each([
  ['127.0.0.1:80', 'http://127.0.0.1:80'],
  ['localhost:80', 'http://localhost:80'],
  [':80', 'http://127.0.0.1:80'],
  ['[::1]:80', 'http://[::1]:80'],
  ['unix:/run/a.sock', 'unix:/run/a.sock'],
])('%s is shown as %s', (text, url) => {
  expect(urlOf(parseListenAddress(text))).toBe(url);
});

test.each([
  '',
  '80',
  'host',
  'host:',
  'a b:1',
  '[::1:80',
  '[1.2.3.4]:80',
  '::1:80',
  'unix:',
  `unix:/${'x'.repeat(107)}`,
])('%j is refused', (text) => {
  expect(() => parseListenAddress(text)).toThrow();
});
