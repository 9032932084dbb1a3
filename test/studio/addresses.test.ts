// Views in the URL: route, filters, sort. What is written is read back; what makes no sense is left out.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRoute, parseRoute, shareToken } from '../../server/studio/src/routes.ts';
import {
  type Chip,
  cycleSort,
  formatQuery,
  operators,
  parseQuery,
  selectionOf,
} from '../../server/studio/src/tables/table-query.ts';

const columns = [
  { name: 'id', type: 'INTEGER' },
  { name: 'a"b', type: 'TEXT' },
  { name: '', type: '' },
];

test('any route is read back from its address', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), text), (db, params) => {
      const { db: _db, ...own } = params;
      const filled = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ''));
      const hash = formatRoute({ view: 'tables', db: db === '' ? null : db, params: filled });
      const route = parseRoute(new URL(`http://host/${hash}`).hash);
      expect(route).toEqual({ view: 'tables', db: db === '' ? null : db, params: filled });
    }),
  );
});

test('an address that means nothing is home', () => {
  expect(parseRoute('#/nowhere')).toEqual({ view: 'home', db: null, params: {} });
  expect(parseRoute('#share=abc').view).toBe('home');
});

test('a share token is read only from its own form', () => {
  expect(shareToken('#share=Abc-123_x')).toBe('Abc-123_x');
  expect(shareToken('#/tables?share=Abc')).toBeNull();
});

test('any filters and sort keys are read back', () => {
  const chip = fc.record({
    column: fc.string(),
    operator: fc.constantFrom(...operators.map(({ id }) => id).filter((id) => id !== 'null' && id !== 'not null')),
    text: fc.string(),
  });
  const key = fc.record({ column: fc.string(), isDescending: fc.boolean() });
  fc.assert(
    fc.property(fc.array(chip), fc.string(), fc.array(key), (chips, where, sort) => {
      expect(parseQuery(formatQuery({ chips, where, sort }))).toEqual({ chips, where, sort });
    }),
  );
});

test('broken filters are left out instead of breaking the page', () => {
  expect(parseQuery({ filter: '{"a":', sort: '[1,["id","desc"],[null]]' })).toEqual({
    chips: [],
    where: '',
    sort: [{ column: 'id', isDescending: true }],
  });
  expect(parseQuery({ filter: '[["id","~","1"],["id","="],"x"]' }).chips).toEqual([
    { column: 'id', operator: '=', text: '' },
  ]);
});

test('the server is asked with values of the right kind, and never for columns that are gone', () => {
  const chips: Chip[] = [
    { column: 'id', operator: 'in', text: '1, 9007199254740993' },
    { column: 'a"b', operator: '=', text: '5' },
    { column: '', operator: 'null', text: '' },
    { column: 'gone', operator: '=', text: 'x' },
  ];
  const sort = [{ column: 'gone', isDescending: true }];
  expect(selectionOf('t', columns, { chips, where: ' ', sort })).toEqual({
    table: 't',
    filters: [
      { column: 'id', operator: 'in', value: [{ int: '1' }, { int: '9007199254740993' }] },
      { column: 'a"b', operator: '=', value: '5' },
      { column: '', operator: 'null' },
    ],
  });
});

test('sorting goes from none to ascending to descending to none', () => {
  const ascending = cycleSort([], 'id', false);
  const descending = cycleSort(ascending, 'id', false);
  expect(ascending).toEqual([{ column: 'id', isDescending: false }]);
  expect(descending).toEqual([{ column: 'id', isDescending: true }]);
  expect(cycleSort(descending, 'id', false)).toEqual([]);
  expect(cycleSort(ascending, 'a"b', true).map(({ column }) => column)).toEqual(['id', 'a"b']);
});
