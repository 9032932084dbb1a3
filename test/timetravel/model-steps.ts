// Random steps for the real store and the model.
import fc from 'fast-check';

/** The keys that steps work on; one is not ASCII, one looks like a path. */
export const keys = ['a', 'b', 'c/d', '\u00fc'];

const key = fc.constantFrom(...keys);
const value = fc.constantFrom('1', '2', '[1]', '{"x":1}', 'words');
const recorded = fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });

export const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key,
      value,
      ttl: fc.constantFrom(0, 0, 0, 3, 9),
      recorded,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key, recorded }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('incr' as const), key, recorded }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('push' as const), key, recorded }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pop' as const), key, recorded }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('expire' as const), key, ttl: fc.constantFrom(null, 2, 8), recorded }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('batch' as const), value, recorded }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('native' as const),
      key,
      other: key,
      value,
      how: fc.constantFrom('update', 'replace', 'ignore', 'upsert', 'delete', 'rename', 'ttl', 'abandoned'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('rollback' as const), key, steps: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('return' as const), ago: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('prune' as const),
      age: fc.constantFrom(0, 5, 15),
      ops: fc.constantFrom(0, 2, 5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('long-wait' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      ago: fc.integer({ min: 0, max: 20 }),
      span: fc.integer({ min: 1, max: 9 }),
    }),
  },
);

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
