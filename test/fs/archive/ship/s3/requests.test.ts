// What a service refuses, and what the operator reads then.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { S3Store } from '../../../../../fs/archive/ship/s3-store.ts';
import { type Fault, type S3Service, startS3Service } from '../../../../helpers/s3-service.ts';

const patience = { silenceMs: 20_000, slowestBytesPerSecond: 65_536, attempts: 3, pauseMs: 1, longestPauseMs: 4 };
const secretAccessKey = 'hushhush/hush+hush';

let root: string;
let service: S3Service;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 's3-requests-'));
  service = await startS3Service(join(root, 'objects'), {
    secretAccessKey,
    sessionToken: 'hush==',
    region: 'eu-north-9',
  });
});
afterAll(async () => {
  await service.stop();
  rmSync(root, { recursive: true });
});
afterEach(() => {
  service.seen.length = 0;
  service.faults.length = 0;
});

const region = '&region=eu-north-9';
const store = (environment = {}, options = region) =>
  new S3Store(service.url('app', options), { ...service.environment, ...environment }, { patience });

describe('credentials', () => {
  test('sign for the session and the region', async () => {
    expect(await store().write('x', Buffer.from('y'))).toBe(true);
  });

  test('that have been replaced in their file are read anew', async () => {
    const path = join(root, 'credentials');
    const write = (id: string, token: string) =>
      writeFileSync(
        path,
        `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secretAccessKey}\naws_session_token=${token}\n`,
      );
    const { AWS_ACCESS_KEY_ID: id = '', ...rest } = service.environment;
    write(id, 'expired');
    const environment = { ...rest, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const one = store({ ...environment, AWS_SHARED_CREDENTIALS_FILE: path });
    await expect(one.read('x')).rejects.toMatchObject({ code: 'denied' });
    write(id, 'hush==');
    expect((await one.read('x')).toString()).toBe('y');
    write(id, 'expired');
    expect((await one.read('x')).toString()).toBe('y');
    // A secret that was mistyped is corrected in its file.
    const wrong = store({ ...environment, AWS_SHARED_CREDENTIALS_FILE: path });
    service.faults.push({ fault: { answer: 403, code: 'SignatureDoesNotMatch' }, times: 1 });
    write('MISTYPED', 'hush==');
    await expect(wrong.read('x')).rejects.toMatchObject({ code: 'denied' });
    write(id, 'hush==');
    const sent = service.seen.length;
    expect((await wrong.read('x')).toString()).toBe('y');
    expect(service.seen).toHaveLength(sent + 1);
    write(id, 'expired');
    // Half way: the old ones are refused, and the new ones are there already.
    const other = store({ ...environment, AWS_SHARED_CREDENTIALS_FILE: path });
    service.faults.push({
      fault: { answer: 400, code: 'ExpiredToken' },
      times: 1,
      where: () => {
        write(id, 'hush==');
        return true;
      },
    });
    expect((await other.read('x')).toString()).toBe('y');
  });
});

describe('the region', () => {
  test('is the one that the service names, if the operator names none', async () => {
    const one = store({}, '');
    expect((await one.read('x')).toString()).toBe('y');
    expect((await one.read('x')).toString()).toBe('y');
    expect(service.seen).toHaveLength(3);
  });

  test('of the operator stays, and is explained if it is wrong', async () => {
    await expect(store({}, '&region=us-west-2').read('x')).rejects.toMatchObject({
      code: 'bad-url',
      message: expect.stringContaining(
        'bucket shipped is in the region eu-north-9, not in us-west-2: write region=eu-',
      ),
    });
  });
});

describe('a refusal is one line that says what to do, without secrets', () => {
  const minutes = 60_000;
  const cases: readonly (readonly [string, string, RegExp, Fault])[] = [
    [
      'AccessDenied',
      'denied',
      /do not allow s3:GetObject on shipped: give them that right/,
      { answer: 403, code: 'AccessDenied' },
    ],
    ['no code', 'denied', /do not allow s3:GetObject/, { answer: 403 }],
    [
      'NoSuchBucket',
      'bad-url',
      /there is no bucket shipped there: make it, or correct/,
      { answer: 404, code: 'NoSuchBucket' },
    ],
    [
      'another key',
      'denied',
      /does not know the access key: check AWS_ACCESS_KEY_ID/,
      { answer: 403, code: 'InvalidAccessKeyId' },
    ],
    ['another secret', 'denied', /secret key does not fit/, { answer: 403, code: 'SignatureDoesNotMatch' }],
    ['an old token', 'denied', /session token has expired/, { answer: 400, code: 'ExpiredToken' }],
    [
      'a clock that is behind',
      'denied',
      /clock of this machine is 20 min behind that of the service: set it/,
      {
        answer: 403,
        code: 'RequestTimeTooSkewed',
        headers: { date: new Date(Date.now() + 20 * minutes + 5000).toUTCString() },
      },
    ],
    [
      'a redirect',
      'bad-url',
      /is in the region ap-south-1, not in eu-north-9/,
      { answer: 301, headers: { 'x-amz-bucket-region': 'ap-south-1' } },
    ],
    ['a redirect to nowhere', 'bad-url', /is not served at this address/, { answer: 301 }],
    ['no room', 'full', /no room left in the store/, { answer: 507, code: 'XMinioStorageFull' }],
    ['what it does not offer', 'unsupported', /does not offer s3:GetObject/, { answer: 501, code: 'NotImplemented' }],
    ['what nobody knows', 'unsupported', /answers 418 Teapot Not so/, { answer: 418, code: 'Teapot' }],
    ['no service of S3', 'unsupported', /answers 405\. Is there an S3 service/, { answer: 405 }],
    ['what passes', 'away', /answers 503 SlowDown/, { answer: 503, code: 'SlowDown' }],
  ];
  test.each(cases)('%s', async (_, code, message, fault) => {
    service.faults.push({ fault, times: 3 });
    const error: unknown = await store()
      .read('x')
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as Error).message).toMatch(/^s3:\/\/shipped\/app: [^\n]+$/);
    expect(inspect(error, { depth: 9 })).not.toMatch(/hush/);
  });

  test('a redirect is not followed: another address needs another signature', async () => {
    const headers = { location: `${service.endpoint}/shipped/app/x` };
    service.faults.push({ fault: { answer: 307, headers }, times: 1 });
    await expect(store().read('x')).rejects.toMatchObject({ code: 'bad-url' });
    expect(service.seen).toHaveLength(1);
  });

  test('no service at all', async () => {
    await service.setUp(false);
    await expect(store().read('x')).rejects.toMatchObject({
      code: 'away',
      message: `s3://shipped/app: no whole answer from ${new URL(service.endpoint).host}: nobody listens there (ECONNREFUSED)`,
    });
    await service.setUp(true);
  });

  test('a page instead of a list', async () => {
    service.faults.push({ fault: { answer: 200 }, times: 1 });
    const first = store().list('')[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject({
      code: 'bad-url',
      message: expect.stringContaining('is no S3 service'),
    });
  });

  test('a secret that the service repeats', async () => {
    const one = store({ AWS_ACCESS_KEY_ID: 'Not', AWS_SESSION_TOKEN: 'hush==' });
    const error = await one.read('x').catch((caught: unknown) => caught);
    // The service says "Not so."
    expect((error as Error).message).toContain('(403 InvalidAccessKeyId *** so.)');
  });

  test('names that no S3 service keeps', async () => {
    const one = store();
    for (const name of ['', 'a//b', 'a/../b', './a', 'a/', '\ud800', 'x'.repeat(1025)]) {
      await expect(one.read(name)).rejects.toMatchObject({ code: 'unsupported' });
    }
    expect(service.seen).toEqual([]);
  });
});

test('neither the store nor what it holds shows the credentials', async () => {
  const one = store();
  await one.read('x');
  expect(inspect(one, { depth: 9, showHidden: true })).not.toMatch(/hush/);
  expect(JSON.stringify(one)).not.toMatch(/hush/);
});

test('what the operator should know of a place is told', async () => {
  expect(await store().warnings()).toEqual([]);
  service.honoursIfNew = false;
  expect(await store().warnings()).toEqual([expect.stringMatching(/ignores If-None-Match.*a prefix of its own/)]);
  service.honoursIfNew = true;
});
