import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readBody } from '../../../../server/process/http/body.ts';
import { TransitBudget } from '../../../../server/process/http/transit-budget.ts';

const budgetOf = (fullBytes: number): TransitBudget => new TransitBudget({ shortBytes: fullBytes, fullBytes });

/** As much of a request as the reader looks at. */
function requestOf(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

test('a body is read whole, and gives its bytes back to the budget', async () => {
  const budget = budgetOf(5);
  for (let round = 0; round < 3; round += 1) {
    const request = requestOf();
    const body = readBody(request, 10, budget);
    request.write('ab');
    request.end('cde');
    expect((await body).toString()).toBe('abcde');
  }
  expect(budget.isFull).toBe(false);
});

test('a body larger than the limit is refused, by its declaration or by its bytes', async () => {
  const refused = expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' });
  const budget = budgetOf(100);
  await expect(readBody(requestOf({ 'content-length': '11' }), 10, budget)).rejects.toEqual(refused);
  const request = requestOf();
  const body = readBody(request, 10, budget);
  request.write('x'.repeat(11));
  await expect(body).rejects.toEqual(refused);
});

test('bodies that are together too large are refused until others are done', async () => {
  const budget = budgetOf(5);
  const first = requestOf();
  const reading = readBody(first, 10, budget);
  first.write('abcd');
  const second = requestOf();
  const late = readBody(second, 10, budget);
  second.write('abcd');
  await expect(late).rejects.toEqual(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
  first.end();
  expect((await reading).toString()).toBe('abcd');
});

test('a body that ends early, or is compressed, is refused', async () => {
  const refused = expect.objectContaining({ code: 'INVALID_PARAMETERS' });
  const request = requestOf();
  const body = readBody(request, 10, budgetOf(10));
  request.write('a');
  request.destroy();
  await expect(body).rejects.toEqual(refused);
  await expect(readBody(requestOf({ 'content-encoding': 'gzip' }), 10, budgetOf(10))).rejects.toEqual(refused);
});
