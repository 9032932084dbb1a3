import { expect, test } from 'vitest';
import { TransitBudget } from '../../../../server/process/http/transit-budget.ts';
import { eventually } from '../../../helpers/eventually.ts';

test('where memory is short, transfers that stand still are cut off, and those that move are not', async () => {
  const budget = new TransitBudget({ shortBytes: 10, fullBytes: 20 });
  const cut: string[] = [];
  const begin = (name: string, bytes: number) => {
    const transfer = budget.begin(() => cut.push(name));
    transfer.add(bytes);
    return transfer;
  };
  begin('still', 15);
  const moving = begin('moving', 10);
  expect(budget.isFull).toBe(true);
  await eventually(() => {
    moving.moved();
    expect(cut).toEqual(['still']);
    expect(budget.isFull).toBe(false);
  });
  // There is room now: who stands still does so at nobody's cost.
  begin('later', 1).end();
  expect(cut).toEqual(['still']);
});
