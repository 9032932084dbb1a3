import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../../../fs/archive/ship/open-store.ts';
import { probeStore } from '../../../../fs/archive/ship/probe-store.ts';
import { S3Store } from '../../../../fs/archive/ship/s3-store.ts';
import { type S3Service, type Seen, startS3Service } from '../../../helpers/s3-service.ts';

let root: string;
let service: S3Service;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'probe-store-'));
  service = await startS3Service(join(root, 'objects'));
});
afterAll(async () => {
  await service.stop();
  rmSync(root, { recursive: true });
});

test('a folder and a bucket that can be shipped to are left as they were', async () => {
  expect(await probeStore(openStore(join(root, 'folder')))).toEqual([]);
  expect(readdirSync(join(root, 'folder'))).toEqual([]);
  const bucket = new S3Store(service.url('app'), service.environment);
  expect(await probeStore(bucket)).toEqual([]);
  expect((await bucket.list('')[Symbol.asyncIterator]().next()).done).toBe(true);
});

test('each right that is missing is named', async () => {
  const rights: readonly (readonly [string, (seen: Seen) => boolean])[] = [
    ['s3:PutObject', ({ method }) => method === 'PUT'],
    ['s3:GetObject', ({ method, key }) => method === 'GET' && key !== ''],
    ['s3:ListBucket', ({ method, key }) => method === 'GET' && key === ''],
    ['s3:DeleteObject', ({ method }) => method === 'DELETE'],
  ];
  for (const [right, where] of rights) {
    service.faults.push({ fault: { answer: 403, code: 'AccessDenied' }, times: 1, where });
    const probe = probeStore(new S3Store(service.url('app'), service.environment));
    await expect(probe).rejects.toThrow(`do not allow ${right} on shipped`);
  }
});

test('a place that is none is told', async () => {
  await expect(probeStore(openStore('/dev/null/none'))).rejects.toMatchObject({ name: 'ShipError' });
  expect(() => openStore('s3://KEY:hush@bucket')).toThrow(/may not hold a key or a password/);
  expect(() => openStore('ftp://KEY:hush@host/')).toThrow(/^ftp:\/\/host\/ is no place to ship to/);
});
