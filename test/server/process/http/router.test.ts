import { describe, expect, test } from 'vitest';
import { Query } from '../../../../server/process/http/query.ts';
import type { Method, Route } from '../../../../server/process/http/route.ts';
import { Router } from '../../../../server/process/http/router.ts';

const route = (method: Method, path: string): Route => ({
  method,
  path,
  name: `${method} ${path}`,
  summary: '',
  tag: 'kv',
  access: 'read',
  query: [],
  replies: {},
  errors: [],
  handle: () => ({ status: 200, body: null }),
});

const router = new Router([
  route('GET', '/kv'),
  route('GET', '/kv/{key}'),
  route('PUT', '/kv/{key}'),
  route('POST', '/kv/{key}/incr'),
  route('GET', '/kv/{key}/history'),
  route('GET', '/kv/snapshot'),
]);

describe('the route and key of', () => {
  test.each([
    ['GET', '/kv', 'GET /kv', ''],
    ['GET', '/kv/a', 'GET /kv/{key}', 'a'],
    ['GET', '/kv/user%3A1', 'GET /kv/{key}', 'user:1'],
    ['GET', '/kv/a/b', 'GET /kv/{key}', 'a/b'],
    ['GET', '/kv/a%2Fb', 'GET /kv/{key}', 'a/b'],
    ['GET', '/kv/a%252Fb', 'GET /kv/{key}', 'a%2Fb'],
    ['GET', '/kv/%F0%9F%98%80', 'GET /kv/{key}', '\u{1f600}'],
    ['POST', '/kv/a/incr', 'POST /kv/{key}/incr', 'a'],
    ['POST', '/kv/a/b/incr', 'POST /kv/{key}/incr', 'a/b'],
    ['GET', '/kv/a/history', 'GET /kv/{key}/history', 'a'],
    ['HEAD', '/kv', 'GET /kv', ''],
    ['HEAD', '/kv/snapshot', 'GET /kv/snapshot', ''],
    ['HEAD', '/kv/a%3A1', 'GET /kv/{key}', 'a:1'],
    ['HEAD', '/kv/a/history', 'GET /kv/{key}/history', 'a'],
    ['GET', '/kv/a%2Fhistory', 'GET /kv/{key}', 'a/history'],
    ['PUT', '/kv/a/history', 'PUT /kv/{key}', 'a/history'],
    ['GET', '/kv/snapshot', 'GET /kv/snapshot', ''],
    ['PUT', '/kv/snapshot', 'PUT /kv/{key}', 'snapshot'],
  ])('%s %s', (method, path, name, key) => {
    const match = router.match(method, path);
    expect([match.route.name, match.key]).toEqual([name, key]);
  });
});

test.each([
  ['GET', '/nothing', 'NOT_FOUND'],
  ['GET', '/kv/', 'NOT_FOUND'],
  ['DELETE', '/kv', 'METHOD_NOT_ALLOWED'],
  ['POST', '/kv/a', 'METHOD_NOT_ALLOWED'],
  ['GET', '/kv/%ff', 'INVALID_PARAMETERS'],
  ['GET', '/kv/%', 'INVALID_PARAMETERS'],
])('%s %s is %s', (method, path, code) => {
  expect(() => router.match(method, path)).toThrow(expect.objectContaining({ code }));
});

test.each([
  ['DELETE', '/kv', 'GET, HEAD'],
  ['POST', '/kv/a', 'GET, HEAD, PUT'],
  ['PATCH', '/kv/a/incr', 'POST, GET, HEAD, PUT'],
])('%s %s: %s are allowed', (method, path, allowed) => {
  expect(() => router.match(method, path)).toThrow(expect.objectContaining({ allowed }));
});

describe('query parameters', () => {
  const declared = [
    { name: 'db', type: 'text', required: true, description: '' },
    { name: 'limit', type: 'integer', min: 0, max: 10, default: 5, description: '' },
    { name: 'history', type: 'boolean', default: true, description: '' },
  ] as const;

  test('are decoded once, and what is not declared is kept raw, the first of a name', () => {
    const query = new Query('db=a%252Fb+c&limit=7&limit=7&history=0&other=%C3%A4&other=x&flag', declared);
    expect([query.text('db'), query.integer('limit'), query.boolean('history')]).toEqual(['a%2Fb c', 7, false]);
    expect([query.raw('other'), query.raw('flag'), query.raw('none')]).toEqual(['\u00e4', '', undefined]);
  });

  test('have their defaults', () => {
    const query = new Query('db=a', declared);
    expect([query.integer('limit'), query.boolean('history'), query.has('limit')]).toEqual([5, true, false]);
  });

  test.each([
    '',
    'db=',
    'db=a&limit=x',
    'db=a&limit=1.5',
    'db=a&limit=-1',
    'db=a&limit=11',
    'db=a&history=yes',
    'db=%',
    'db=a&db=b',
    'db=a&limit=1&limit=2',
    'db=a&history=1&history=',
  ])('%j is refused', (search) => {
    expect(() => new Query(search, declared)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMETERS' }));
  });

  test('an integer that a number cannot hold exactly is refused as that', () => {
    expect(() => new Query(`db=a&limit=${2n ** 53n}`, declared)).toThrow(/limit must be at most \d+ away from 0/);
  });
});
