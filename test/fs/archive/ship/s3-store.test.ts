import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Patience } from '../../../../fs/archive/ship/s3/requests.ts';
import { S3Store } from '../../../../fs/archive/ship/s3-store.ts';
import type { StoredObject } from '../../../../fs/archive/ship/store.ts';
import { bucket, type Fault, type S3Service, type Seen, startS3Service } from '../../../helpers/s3-service.ts';

/** Quick attempts, and none that is given up because this machine is slow. */
const patience: Patience = {
  silenceMs: 20_000,
  slowestBytesPerSecond: 65_536,
  attempts: 4,
  pauseMs: 1,
  longestPauseMs: 4,
};

let root: string;
let service: S3Service;
let serial = 0;
let prefix: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 's3-store-'));
  service = await startS3Service(join(root, 'objects'));
});
afterAll(async () => {
  await service.stop();
  rmSync(root, { recursive: true });
});
afterEach(() => {
  service.seen.length = 0;
  service.faults.length = 0;
  service.honoursIfNew = true;
});

function store(
  settings: { readonly options?: string; readonly partBytes?: number; readonly patience?: Patience } = {},
) {
  prefix = `case ${++serial}/a+b`;
  const url = service.url(prefix.replace(' ', '%20'), settings.options);
  return new S3Store(url, service.environment, { patience, ...settings });
}

const fails = (fault: Fault, times = 1, where?: (seen: Seen) => boolean) =>
  void service.faults.push({ fault, times, ...(where ? { where } : {}) });
const isPut = ({ method }: Seen) => method === 'PUT';

async function listed(of: S3Store, under: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of of.list(under)) found.push(object);
  return found;
}

const names = async (of: S3Store, under = '') => (await listed(of, under)).map(({ name }) => name);

describe('objects', () => {
  test('are what was written, below the prefix, with the time of the commit as litestream keeps it', async () => {
    const one = store();
    expect(await one.write('app.db/0000/1.ltx', Buffer.from('hello'), { timeMs: 1_764_000_000_123 })).toBe(true);
    expect((await one.read('app.db/0000/1.ltx')).toString()).toBe('hello');
    expect((await one.read('app.db/0000/1.ltx', { offset: 1, bytes: 3 })).toString()).toBe('ell');
    fails('no-range');
    expect((await one.read('app.db/0000/1.ltx', { offset: 1, bytes: 3 })).toString()).toBe('ell');
    expect(await one.read('app.db/0000/1.ltx', { offset: 1, bytes: 0 })).toHaveLength(0);
    const [put] = service.seen;
    expect(put).toMatchObject({ key: `${prefix}/app.db/0000/1.ltx` });
    expect(put?.headers['x-amz-meta-litestream-timestamp']).toBe('2025-11-24T16:00:00.123Z');
    const [found] = await listed(one, 'app.db/');
    expect(found).toMatchObject({ name: 'app.db/0000/1.ltx', bytes: 5 });
    expect(Math.abs((found?.timeMs ?? 0) - Date.now())).toBeLessThan(100_000);
  });

  test('that are missing, or shorter than asked for, are named', async () => {
    const one = store();
    await one.write('short', Buffer.from('hello'));
    await expect(one.read('nothing')).rejects.toMatchObject({ code: 'missing' });
    await expect(one.read('short', { offset: 3, bytes: 3 })).rejects.toMatchObject({ code: 'damaged' });
    await expect(one.read('short', { offset: 9, bytes: 3 })).rejects.toMatchObject({ code: 'damaged' });
  });

  test('of any name come back under that name', async () => {
    const one = store();
    // s3rver keeps them as files, and writes a carriage return into XML as it is.
    const char = fc.integer({ min: 1, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
    const segment = fc
      .string({ unit: char, minLength: 1, maxLength: 12 })
      .filter((text) => !/[/\0\r]|^\.{1,2}$|\p{Surrogate}/u.test(text));
    await fc.assert(
      fc.asyncProperty(segment, segment, async (folder, file) => {
        const name = `${folder}/${file}`;
        await one.write(name, Buffer.from(name));
        expect(await names(one, `${folder}/`)).toEqual([name]);
        expect((await one.read(name)).toString()).toBe(name);
        await one.remove([name]);
        expect(await names(one)).toEqual([]);
      }),
      {
        numRuns: 15,
        examples: [
          ['a+b %2B&<>"\'`', '~!*()=?#;:@$,'],
          ['\u00e9\u{1f600}', ' .. '],
          ['%', '%25%'],
        ],
      },
    );
  });
});

describe('a new object', () => {
  test('is written by one of many', async () => {
    const one = store();
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.from(String(index)));
    expect(await one.write('fence', Buffer.from('mine'), { onlyIfNew: true })).toBe(true);
    for (const content of contents) expect(await one.write('fence', content, { onlyIfNew: true })).toBe(false);
    expect((await one.read('fence')).toString()).toBe('mine');
    expect(await one.honoursOnlyIfNew()).toBe(true);
    expect(await names(one)).toEqual(['fence']);
  });

  test('whose answer was lost is known again; one of somebody else is not', async () => {
    const one = store();
    await one.honoursOnlyIfNew();
    fails('reset-after');
    expect(await one.write('fence', Buffer.from('mine'), { onlyIfNew: true })).toBe(true);
    expect(await one.write('other', Buffer.from('theirs'))).toBe(true);
    fails({ answer: 503, code: 'SlowDown' });
    expect(await one.write('other', Buffer.from('mine'), { onlyIfNew: true })).toBe(false);
    expect((await one.read('other')).toString()).toBe('theirs');
  });

  test('is looked for first where the service ignores the condition, and that is told', async () => {
    const one = store();
    service.honoursIfNew = false;
    expect(await one.honoursOnlyIfNew()).toBe(false);
    expect(await one.write('fence', Buffer.from('mine'), { onlyIfNew: true })).toBe(true);
    expect(await one.write('fence', Buffer.from('theirs'), { onlyIfNew: true })).toBe(false);
    expect(await names(one)).toEqual(['fence']);
    const puts = service.seen.filter((seen) => isPut(seen) && seen.key.endsWith('fence'));
    expect(puts.map(({ headers }) => headers['if-none-match'])).toEqual([undefined]);
  });

  test('is looked for first where the service does not know the condition', async () => {
    const one = store();
    fails({ answer: 501, code: 'NotImplemented' }, 1, ({ headers }) => headers['if-none-match'] === '*');
    expect(await one.honoursOnlyIfNew()).toBe(false);
  });

  test('in parts is kept out, too', async () => {
    const one = store({ partBytes: 1000 });
    const path = join(root, 'large');
    writeFileSync(path, randomBytes(2500));
    await one.write('large', Buffer.from('theirs'));
    expect(await one.write('large', { path }, { onlyIfNew: true })).toBe(false);
    expect((await one.read('large')).toString()).toBe('theirs');
    expect(await one.write('large 2', { path }, { onlyIfNew: true })).toBe(true);
    expect(leftUploads()).toEqual([]);
  });
});

describe('what goes wrong on the way', () => {
  const passing: Readonly<Record<string, Fault>> = {
    SlowDown: { answer: 503, code: 'SlowDown' },
    'too many requests': { answer: 429, headers: { 'retry-after': '0' } },
    'an internal error': { answer: 500, code: 'InternalError' },
    'a gateway without an upstream': { answer: 502 },
    'a body that was changed on the way': { answer: 400, code: 'BadDigest' },
    'an error of status 200': { answer: 200, code: 'InternalError' },
    'a reset': 'reset',
    'a reset after the request was obeyed': 'reset-after',
  };
  for (const [name, fault] of Object.entries(passing)) {
    test(`${name} costs another attempt`, async () => {
      const one = store();
      fails(fault, 3);
      await one.write('x', Buffer.from('content'));
      fails(fault, 3);
      expect((await one.read('x')).toString()).toBe('content');
      fails(fault, 3);
      expect(await names(one)).toEqual(['x']);
      fails(fault, 3);
      await one.remove(['x']);
      expect(service.faults.map(({ times }) => times)).toEqual([0, 0, 0, 0]);
      fails(fault, 4);
      await expect(one.read('x')).rejects.toMatchObject({ code: 'away' });
    });
  }

  test('an answer that is cut off costs another attempt', async () => {
    const one = store();
    await one.write('x', Buffer.alloc(100_000));
    fails('reset-within', 3);
    expect(await one.read('x')).toHaveLength(100_000);
    fails('reset-within', 3);
    expect(await names(one)).toEqual(['x']);
    fails('reset-within', 4);
    await expect(one.read('x')).rejects.toMatchObject({ code: 'away' });
  });

  test('silence is a failed attempt, before the answer and within it', async () => {
    // One attempt hangs, the next ones do not: a short patience costs them nothing but other attempts.
    const one = store({ patience: { ...patience, silenceMs: 300, attempts: 20 } });
    await one.write('x', Buffer.alloc(100_000));
    fails('hang');
    expect(await one.read('x')).toHaveLength(100_000);
    fails('hang-within');
    expect(await one.read('x')).toHaveLength(100_000);
    expect(service.faults.map(({ times }) => times)).toEqual([0, 0]);
  });

  test('a service that is away is told after all attempts, and found when it is back', async () => {
    const one = store();
    await service.setUp(false);
    await expect(one.write('x', Buffer.from('y'))).rejects.toMatchObject({
      code: 'away',
      message: expect.stringContaining('nobody listens there (ECONNREFUSED)'),
    });
    await service.setUp(true);
    expect(await one.write('x', Buffer.from('y'))).toBe(true);
  });

  test('content that the service keeps otherwise than it was sent is told; another kind of ETag is none', async () => {
    const one = store();
    fails('other-content', 1, isPut);
    await expect(one.write('x', Buffer.from('content'))).rejects.toMatchObject({ code: 'damaged' });
    fails('other-etag', 2, isPut);
    expect(await one.write('y', Buffer.from('content'))).toBe(true);
    expect(await one.write('z', Buffer.from('content'))).toBe(true);
    // Looked at once: then it is known that ETags are no hashes here.
    expect(service.seen.filter(({ method, key }) => method === 'GET' && /[yz]$/.test(key))).toHaveLength(1);
  });

  test('what does not pass is not tried again', async () => {
    const one = store();
    fails({ answer: 403, code: 'AccessDenied' }, 9);
    await expect(one.read('x')).rejects.toMatchObject({ code: 'denied' });
    expect(service.seen).toHaveLength(1);
  });
});

function leftUploads(): string[] {
  const folder = join(root, 'objects', bucket, '._S3rver_uploads');
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe('a large file', () => {
  const sent = () => service.seen.flatMap(({ query }) => query.get('partNumber') ?? []);

  function large(bytes: number): { readonly path: string; readonly content: Buffer } {
    const path = join(root, `large ${++serial}`);
    const content = randomBytes(bytes);
    writeFileSync(path, content);
    return { path, content };
  }

  test('goes in parts, with its time', async () => {
    const one = store({ partBytes: 10_000 });
    const { path, content } = large(35_000);
    fails({ answer: 503, code: 'SlowDown' }, 2, ({ query }) => query.get('partNumber') === '2');
    await one.write('large', { path }, { timeMs: 1_764_000_000_123 });
    expect(sent()).toEqual(['1', '2', '2', '2', '3', '4']);
    expect(await one.read('large')).toEqual(content);
    const begun = service.seen.find(({ method, query }) => method === 'POST' && query.has('uploads'));
    expect(begun?.headers['x-amz-meta-litestream-timestamp']).toBe('2025-11-24T16:00:00.123Z');
    const small = large(10_000);
    await one.write('small', { path: small.path });
    expect(await one.read('small')).toEqual(small.content);
    expect(leftUploads()).toEqual([]);
  });

  test('that was interrupted goes on where it was', async () => {
    const one = store({ partBytes: 10_000 });
    const { path, content } = large(35_000);
    const isThird = ({ query }: Seen) => query.get('partNumber') === '3';
    fails('reset', 4, isThird);
    await expect(one.write('large', { path })).rejects.toMatchObject({ code: 'away' });
    expect(leftUploads()).toHaveLength(1);
    service.seen.length = 0;
    await one.write('large', { path });
    expect(sent()).toEqual(['3', '4']);
    expect(await one.read('large')).toEqual(content);
    expect(leftUploads()).toEqual([]);
  });

  test('that has changed since it was interrupted begins anew, and nothing is left of the old upload', async () => {
    const one = store({ partBytes: 10_000 });
    const { path } = large(35_000);
    fails('reset', 4, ({ query }) => query.get('partNumber') === '3');
    await expect(one.write('large', { path })).rejects.toMatchObject({ code: 'away' });
    const changed = Buffer.concat([readFileSync(path).subarray(0, 10_000), randomBytes(25_000)]);
    writeFileSync(path, changed);
    service.seen.length = 0;
    await one.write('large', { path });
    expect(sent()).toEqual(['1', '2', '3', '4']);
    expect(await one.read('large')).toEqual(changed);
    expect(leftUploads()).toEqual([]);
  });

  test('that the service refuses leaves nothing behind', async () => {
    const one = store({ partBytes: 10_000 });
    const { path } = large(35_000);
    fails({ answer: 403, code: 'AccessDenied' }, 1, ({ query }) => query.get('partNumber') === '3');
    await expect(one.write('large', { path })).rejects.toMatchObject({ code: 'denied' });
    expect(leftUploads()).toEqual([]);
    expect(await names(one)).toEqual([]);
  });

  test('whose last answer was lost is there', async () => {
    const one = store({ partBytes: 10_000 });
    const { path, content } = large(15_000);
    fails('reset-after', 1, ({ method, query }) => method === 'POST' && query.has('uploadId'));
    expect(await one.write('large', { path })).toBe(true);
    expect(await one.read('large')).toEqual(content);
  });

  test('is sent where uploads may not be listed', async () => {
    const one = store({ partBytes: 10_000 });
    const { path, content } = large(15_000);
    fails({ answer: 403, code: 'AccessDenied' }, 1, ({ method, query }) => method === 'GET' && query.has('uploads'));
    expect(await one.write('large', { path })).toBe(true);
    expect(
      createHash('md5')
        .update(await one.read('large'))
        .digest('hex'),
    ).toBe(createHash('md5').update(content).digest('hex'));
  });
});

// The last one: s3rver walks through all that it has with each list.
test('more objects than one answer holds are listed page by page, and removed; one that is gone already is no error', async () => {
  const one = store();
  // More than a page has: s3rver and Amazon list at most 1,000.
  const many = Array.from({ length: 1003 }, (_, number) => `p/${String(number).padStart(4, '0')}`);
  const folder = join(root, 'objects', bucket, prefix, 'p');
  await one.write('p/0000', Buffer.from('x'));
  for (const name of many.slice(1)) {
    const path = join(folder, `${name.slice(2)}._S3rver_object`);
    writeFileSync(path, 'x');
    writeFileSync(`${path}.md5`, createHash('md5').update('x').digest('hex'));
  }
  await one.write('q', Buffer.from('x'));
  expect(await names(one, 'p/')).toEqual(many);
  const pages = service.seen.filter(({ query }) => query.get('list-type') === '2');
  expect(pages.map(({ query }) => query.has('continuation-token'))).toEqual([false, true]);
  await one.remove([...many.slice(0, 20), 'never was']);
  expect(await names(one, 'p/00')).toEqual(many.slice(20, 100));
  expect(await names(one, 'none')).toEqual([]);
});
