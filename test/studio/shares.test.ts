// The words around share links: their first title, and when they end.
import { expect, test } from 'vitest';
import { titleOf } from '../../server/studio/src/share/view-of-route.ts';
import { ago, until } from '../../server/studio/src/time-text.ts';

test('a comment above a query is the first title of its link', () => {
  const titleOfSql = (sql: string) => titleOf({ kind: 'sql', sql });
  expect(titleOfSql('-- The ten best customers \nSELECT 1')).toBe('The ten best customers');
  expect(titleOfSql(`  --${'x'.repeat(500)}`)).toBe('x'.repeat(80));
  for (const sql of ['SELECT 1 -- one', '--\nSELECT 1', '']) expect(titleOfSql(sql)).toBe('Result of a query');
});

test('a link of a week ends in 7 days when it is made, not in 6', () => {
  const [hour, day] = [3_600_000, 86_400_000];
  const ends = [7 * day - 2_000, 6.4 * day, 24 * hour - 1_000, hour - 2_000, 59_000, 0].map((ms) => until(ms, 0));
  expect(ends).toEqual(['in 7 days', 'in 6 days', 'in 24 h', 'in 1 h', 'in 59 s', 'now']);
  expect(ago(0, 7 * day - 2_000)).toBe('6 days ago');
});
