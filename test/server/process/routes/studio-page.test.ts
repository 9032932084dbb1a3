import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RequestContext } from '../../../../server/process/http/context.ts';
import { pageRoutes } from '../../../../server/process/routes/studio/page.ts';
import type { Services } from '../../../../server/process/services.ts';

const directory = mkdtempSync(join(tmpdir(), 'hoody-studio-page-'));
const [page, asset] = pageRoutes(directory);
const services = { options: { version: '1', root: '/r', mounted: false } } as Services;

const getPage = async () => await page?.handle({} as RequestContext, services);
const getAsset = async (key: string, encoding = '') =>
  await asset?.handle({ key, headers: { 'accept-encoding': encoding } } as unknown as RequestContext, services);

beforeAll(() => {
  mkdirSync(join(directory, 'assets/deep'), { recursive: true });
  writeFileSync(join(directory, 'secret.js'), 'secret');
  for (const suffix of ['', '.br', '.gz'])
    writeFileSync(join(directory, `assets/main-1a2b.js${suffix}`), `js${suffix}`);
  writeFileSync(join(directory, 'assets/only.css'), 'css');
});
afterAll(() => rmSync(directory, { recursive: true }));

test('without a built page the root says so, and tells where the API is', async () => {
  const reply = await getPage();
  expect(reply?.status).toBe(200);
  expect(reply?.body).toContain('npm run build');
  expect(reply?.body).toContain('/api/v1/sqlite/openapi.yaml');
});

test('each answer has a nonce of its own, in its HTML and in its policy, and no inline script may run', async () => {
  writeFileSync(join(directory, 'index.html'), '<meta nonce="__CSP_NONCE__"><style nonce="__CSP_NONCE__">');
  const nonces = await Promise.all(
    [1, 2].map(async () => {
      const reply = await getPage();
      const nonce = /nonce="([^"]+)"><style nonce="\1"/.exec(String(reply?.body))?.[1] ?? '';
      const policy = reply?.headers?.['Content-Security-Policy'] ?? '';
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
      expect(policy).toMatch(/^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toContain('unsafe');
      expect(reply?.headers).toMatchObject({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
      return nonce;
    }),
  );
  expect(nonces[0]).not.toBe(nonces[1]);
  expect(nonces[0]?.length).toBeGreaterThan(20);
});

test('assets are sent precompressed to those who accept it, and are kept for ever', async () => {
  const of = async (encoding: string) => {
    const reply = await getAsset('main-1a2b.js', encoding);
    return [String(reply?.body), reply?.headers?.['Content-Encoding']];
  };
  expect(await of('gzip, deflate, br, zstd')).toEqual(['js.br', 'br']);
  expect(await of('gzip;q=1.0, br;q=0')).toEqual(['js.gz', 'gzip']);
  expect(await of('')).toEqual(['js', undefined]);
  expect((await getAsset('only.css', 'br'))?.headers).toMatchObject({
    'Cache-Control': 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
  });
});

test('nothing but built files can be asked for', async () => {
  const long = `${'x'.repeat(300)}.js`;
  for (const key of [
    'missing.js',
    long,
    '../secret.js',
    'deep',
    'deep/x.js',
    '.js',
    'main-1a2b.js.br',
    '..',
    'a\0.js',
  ]) {
    await expect(getAsset(key), key).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
});
