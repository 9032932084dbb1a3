import { serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { withoutUnsendable } from '../../../server/executor/unsendable.ts';
import type { FromExecutor } from '../../../server/messages/jobs.ts';

const deep = (): unknown => JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));

test('of a group only the answers that cannot be sent become errors', () => {
  const done: FromExecutor = { type: 'done', id: 1, outcomes: [{ answer: 1 }, { answer: deep() }], wrote: true };
  expect(() => serialize(done)).toThrow(RangeError);
  const sent = withoutUnsendable(done, new RangeError('too deep'));
  serialize(sent);
  expect(sent).toMatchObject({ id: 1, wrote: true, outcomes: [{ answer: 1 }, { error: { code: 'INTERNAL_ERROR' } }] });
});

test('an answer ahead of its group becomes an error as well, and other messages are not the answers of requests', () => {
  const partial: FromExecutor = { type: 'partial', id: 1, index: 3, outcome: { answer: deep() } };
  expect(withoutUnsendable(partial, new RangeError())).toMatchObject({
    index: 3,
    outcome: { error: { code: 'INTERNAL_ERROR' } },
  });
  expect(withoutUnsendable({ type: 'closed', id: 1 }, new RangeError())).toBeNull();
});
