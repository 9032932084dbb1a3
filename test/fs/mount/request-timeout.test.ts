import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { boundedBy, requestTimeoutSeconds } from '../../../fs/mount/request-timeout.ts';

test.each([
  ['0', '0', undefined],
  ['20', '0', 20],
  ['0', '8', 8],
  ['20', '8', 8],
  [undefined, undefined, undefined],
])('default_request_timeout %s and max_request_timeout %s end a connection after %s s', (byDefault, most, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-timeout-'));
  try {
    if (byDefault !== undefined) writeFileSync(join(folder, 'default_request_timeout'), `${byDefault}\n`);
    if (most !== undefined) writeFileSync(join(folder, 'max_request_timeout'), `${most}\n`);
    expect(requestTimeoutSeconds(folder)).toBe(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every wait stays below half of the timeout, and shorter ones stay as they are', () => {
  expect(boundedBy(4)).toMatchObject({ queueMs: 1999, blockingMs: 1999, gateIdleMs: 1000, fenceMs: 1999 });
  expect(boundedBy(4).commitMs).toBeCloseTo(1999 * 0.8);
  expect(boundedBy(60, { queueMs: 100 })).toMatchObject({ queueMs: 100, blockingMs: 29_999, gateIdleMs: 1000 });
});
