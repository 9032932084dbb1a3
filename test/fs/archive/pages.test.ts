import { expect, test } from 'vitest';
import { lockPage, pageSetOf } from '../../../fs/archive/tail/pages.ts';

const page = (fill: number) => Buffer.alloc(512, fill);

test('pages are ascending, and none lies behind the end', () => {
  const { pageNumbers, pages } = pageSetOf(
    new Map([
      [7, page(7)],
      [2, page(2)],
      [9, page(9)],
    ]),
    512,
    7,
  );
  expect([...pageNumbers]).toEqual([2, 7]);
  expect(pages).toEqual(Buffer.concat([page(2), page(7)]));
});

test('pages by which the database has grown, and that nobody wrote, are zeros', () => {
  const { pageNumbers, pages } = pageSetOf(new Map([[6, page(6)]]), 512, 7, 4);
  expect([...pageNumbers]).toEqual([5, 6, 7]);
  expect(pages).toEqual(Buffer.concat([page(0), page(6), page(0)]));
});

test('the page with the lock bytes at 1 GiB is left out', () => {
  const lock = lockPage(512);
  expect((lock - 1) * 512).toBe(0x40000000);
  expect([
    ...pageSetOf(
      new Map([
        [lock, page(1)],
        [lock + 1, page(2)],
      ]),
      512,
      lock + 1,
      lock - 1,
    ).pageNumbers,
  ]).toEqual([lock + 1]);
});
