import { expect, test } from 'vitest';
import { matcherOf } from '../../fs/globs.ts';

test.each([
  ['app.db', 'app.db', true],
  ['app.db', 'folder/app.db', false],
  ['app.db', 'appxdb', false],
  ['*.db', 'app.db', true],
  ['*.db', 'folder/app.db', false],
  ['**', 'folder/app.db', true],
  ['**/*.db', 'app.db', true],
  ['**/*.db', 'a/b/app.db', true],
  ['a/**', 'a/b/app.db', true],
  ['a/**', 'ab/app.db', false],
  ['a/*/app.db', 'a/b/app.db', true],
  ['a/*/app.db', 'a/b/c/app.db', false],
  ['app?.db', 'app1.db', true],
  ['app?.db', 'app/.db', false],
  ['a+(b)[c].db', 'a+(b)[c].db', true],
])('%s and %s: %s', (glob, path, isMatch) => {
  expect(matcherOf([glob], [])(path)).toBe(isMatch);
});

test('everything is meant where nothing is said, and what is excluded never is', () => {
  expect(matcherOf([], [])('any')).toBe(true);
  expect(matcherOf([], ['tmp/**'])('tmp/a.db')).toBe(false);
  expect(matcherOf(['tmp/a.db'], ['tmp/**'])('tmp/a.db')).toBe(false);
});
