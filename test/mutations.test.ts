// The list of mutations stays true: each text stands exactly once in its file.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly tests: string;
}

const checkout = resolve(import.meta.dirname, '..');
const mutations = JSON.parse(readFileSync(resolve(checkout, 'test/mutations/list.json'), 'utf8')) as Mutation[];

test.each(mutations)('the mutation "$name" still has its place', ({ file, from, to, tests }) => {
  expect(readFileSync(resolve(checkout, file), 'utf8').split(from).length - 1).toBe(1);
  expect(to).not.toBe(from);
  expect(existsSync(resolve(checkout, tests))).toBe(true);
});
