// The list of open documents: order, numbers, room, neighbours, and what was saved by whomever.
import { expect, test } from 'vitest';
import {
  type Documents,
  mostDocuments,
  neighbour,
  type OpenDocument,
  readDocuments,
  step,
  visited,
} from '../../server/studio/src/documents/documents.ts';

const all = () => true;
const table = (list: Documents, name: string, mayLeave: (one: OpenDocument) => boolean = all) =>
  visited(list, 'tables', name, { table: name }, mayLeave);
const query = (list: Documents, name: string) => visited(list, 'sql', name, { query: name }, all);
const names = (list: Documents) => list.map(({ name }) => name);

test('a visit opens at the end, a second one keeps the place and takes the new address', () => {
  const list = visited(table(table([], 'a'), 'b'), 'tables', 'a', { table: 'a', where: 'x' }, all);
  expect(names(list)).toEqual(['a', 'b']);
  expect(list[0]?.params).toEqual({ table: 'a', where: 'x' });
});

test('queries have the lowest number that is free', () => {
  const list = query(query(table([], 'a'), 'x'), 'y');
  expect(list.map(({ number }) => number)).toEqual([0, 1, 2]);
  const [first, , third] = list as [OpenDocument, OpenDocument, OpenDocument];
  expect(query([first, third], 'z').at(-1)?.number).toBe(1);
});

test('where there is no more room, the one that was unused for the longest time leaves, if it may', () => {
  let list: Documents = [];
  for (let n = 0; n < mostDocuments; n += 1) list = table(list, `t${n}`);
  list = table(list, 't0');
  const next = table(list, 'new', ({ name }) => name !== 't1');
  expect(next).toHaveLength(mostDocuments);
  expect(names(next)).toContain('t0');
  expect(names(next)).toContain('t1');
  expect(names(next)).not.toContain('t2');
  expect(table(list, 'new', () => false)).toHaveLength(mostDocuments + 1);
});

test('after a close its right neighbour is shown, or the left one; steps go around the ends', () => {
  const list = table(table(table([], 'a'), 'b'), 'c');
  const [a, b, c] = list as [OpenDocument, OpenDocument, OpenDocument];
  expect(neighbour(list, a)).toBe(b);
  expect(neighbour(list, c)).toBe(b);
  expect(neighbour([a], a)).toBeUndefined();
  expect(step(list, c, 1)).toBe(a);
  expect(step(list, a, -1)).toBe(c);
});

test('what is no document is dropped from what was saved', () => {
  const [good] = table([], 'a');
  const bad = [null, 7, {}, { ...good, view: 'locks' }, { ...good, view: 'constructor' }, { ...good, name: 7 }];
  const worse = [{ ...good, params: { table: 7 } }, { ...good, used: 'x' }, { ...good, number: Number.NaN }, good];
  expect(readDocuments([...bad, ...worse, good])).toEqual([good]);
  expect(readDocuments({})).toBeUndefined();
  expect(readDocuments(null)).toBeUndefined();
});
