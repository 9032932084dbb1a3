// Errands and real threads: each gets its answer, whatever becomes of the thread, and one disk does not wait for
// another.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErrandThreads } from '../../../fs/channel/errand-threads.ts';
import type { Errand } from '../../../fs/nodes/errands.ts';
import { eventually } from '../../helpers/eventually.ts';

const EIO = 5;
/** What the thread of this test makes of a size. */
const does = { answer: 0, fail: 1, end: 2, hang: 3 };
const module = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, size }) => {
  if (size === ${does.fail}) throw new Error('a bug');
  if (size === ${does.end}) process.exit(0);
  if (size === ${does.hang}) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);
  parentPort.postMessage({ id, result: 100 + id });
});`;

let folder: string;
let results: Map<number, number>;
let logged: { event: string; fields: object }[];
let threads: ErrandThreads;

function threadsOf(text: string): ErrandThreads {
  writeFileSync(join(folder, 'thread.mjs'), text);
  return new ErrandThreads(
    ({ id, result }) => {
      expect(results.has(id), 'a second result').toBe(false);
      results.set(id, result);
    },
    (_level, event, fields) => void logged.push({ event, fields }),
    pathToFileURL(join(folder, 'thread.mjs')),
  );
}

const errand = (id: number, size: number, device = '8:1'): Errand => ({
  call: 'truncate',
  fds: [-1],
  isOpen: true,
  size,
  id,
  device,
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-errands-'));
  results = new Map();
  logged = [];
  threads = threadsOf(module);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['throws', does.fail, /a bug/],
  ['ends without a word', does.end, /it has ended/],
] as const)('a thread that %s: its errand is EIO, and those behind it are done', async (_what, size, error) => {
  for (let id = 1; id <= 5; id++) threads.do(errand(id, id % 2 === 0 ? size : does.answer));
  await eventually(() =>
    expect([...results]).toEqual([
      [1, 101],
      [2, -EIO],
      [3, 103],
      [4, -EIO],
      [5, 105],
    ]),
  );
  expect(logged).toEqual(
    [2, 4].map(() => ({
      event: 'errand-thread-died',
      fields: { call: 'truncate', error: expect.stringMatching(error), effect: 'its caller gets EIO' },
    })),
  );
  threads.do(errand(6, does.answer));
  await eventually(() => expect(results.get(6)).toBe(106));
});

test('a thread that cannot be loaded answers all of them', async () => {
  threads = threadsOf('import "./missing.mjs"');
  for (const id of [1, 2, 3]) threads.do(errand(id, does.answer));
  await eventually(() => expect([...results]).toEqual([1, 2, 3].map((id) => [id, -EIO])));
});

test('a disk that hangs delays only its own, and many devices share the threads', async () => {
  threads.do(errand(1, does.hang, '8:1'));
  threads.do(errand(2, does.answer, '8:1'));
  for (let n = 3; n <= 20; n++) threads.do(errand(n, does.answer, n % 2 === 0 ? '8:2' : '8:3'));
  await eventually(() => expect(results.size).toBe(18));
  expect([results.has(1), results.has(2)]).toEqual([false, false]);
  for (let n = 21; n <= 24; n++) threads.do(errand(n, does.answer, `9:${n}`));
  await eventually(() => expect(results.size).toBeGreaterThanOrEqual(20));
});
