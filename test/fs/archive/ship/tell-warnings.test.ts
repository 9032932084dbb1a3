import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { S3Store } from '../../../../fs/archive/ship/s3-store.ts';
import { tellWarnings } from '../../../../fs/archive/ship/tell-warnings.ts';
import { type S3Service, startS3Service } from '../../../helpers/s3-service.ts';

let root: string;
let service: S3Service;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tell-warnings-'));
  service = await startS3Service(join(root, 'objects'));
});
afterAll(async () => {
  await service.stop();
  rmSync(root, { recursive: true });
});

test('a place that is away at first is looked at again, and what it lacks is told once', async () => {
  service.honoursIfNew = false;
  service.faults.push({ fault: { answer: 403, code: 'AccessDenied' }, times: 2 });
  const told: [string, string, unknown][] = [];
  const store = new S3Store(service.url('app'), service.environment);
  await tellWarnings(store, (level, event, { message }) => told.push([level, event, message]), 1);
  expect(service.faults.map(({ times }) => times)).toEqual([0]);
  expect(told).toEqual([['warn', 'ship-warning', expect.stringContaining('ignores If-None-Match')]]);
});
