import { describe, expect, test } from 'vitest';
import { Guard, type GuardOptions } from '../../../../server/process/http/guard.ts';
import type { Route } from '../../../../server/process/http/route.ts';
import { parseTokens } from '../../../../server/process/http/tokens.ts';

const none: GuardOptions = { corsOrigins: [], allowHosts: [], tokens: null };
const route = (access: Route['access']): Route => ({
  method: 'GET',
  path: '/',
  name: 'any',
  summary: '',
  tag: 'system',
  access,
  query: [],
  replies: {},
  errors: [],
  handle: () => ({ status: 200, body: null }),
});
const refused = (code: string) => expect.objectContaining({ code });

describe('the Host', () => {
  test.each(['localhost', 'localhost:8484', '127.0.0.1:1', '[::1]:8484', '10.0.0.7', 'app.localhost', undefined])(
    '%s is known',
    (host) => {
      expect(() => new Guard(none).checkHost(host)).not.toThrow();
    },
  );

  const foreign = ['evil.example', 'evillocalhost', 'localhost.evil.example', '127.0.0.1.evil.example:80'];
  test.each(foreign)('%s is not, unless it is allowed', (host) => {
    const name = host.split(':')[0] ?? '';
    const check = (...allowHosts: string[]) => new Guard({ ...none, allowHosts }).checkHost(host);
    expect(() => check()).toThrow(refused('FORBIDDEN'));
    expect(() => check(name.slice(1), `${name}.other`, `${name}:1`)).toThrow(refused('FORBIDDEN'));
    for (const allowed of [name, name.toUpperCase(), host, '*']) expect(() => check(allowed)).not.toThrow();
  });
});

describe('the Origin', () => {
  const origin = 'https://page.example';
  const check = (options: Partial<GuardOptions>, given = origin) =>
    new Guard({ ...none, ...options }).checkOrigin(given, 'localhost:1');

  test('of another page is refused, also null', () => {
    expect(() => check({})).toThrow(refused('FORBIDDEN'));
    expect(() => check({}, 'null')).toThrow(refused('FORBIDDEN'));
    expect(() => check({ corsOrigins: ['https://other.example'] })).toThrow(refused('FORBIDDEN'));
    for (const like of [
      'http://localhost',
      'http://localhost:12',
      'http://localhost:1.evil.example',
      'ftp://localhost:1',
    ]) {
      expect(() => check({}, like), like).toThrow(refused('FORBIDDEN'));
    }
  });

  test('is answered where it is allowed', () => {
    expect(check({ corsOrigins: ['*'] })).toBe('*');
    expect(check({ corsOrigins: [origin] })).toBe(origin);
    expect(check({}, 'http://localhost:1')).toBe('http://localhost:1');
    expect(new Guard(none).checkOrigin(undefined, 'localhost')).toBeNull();
  });
});

describe('a token', () => {
  const guard = new Guard({ ...none, tokens: parseTokens('# ours\nfull secret\n\nread peek\n') });
  const check = (authorization: string | undefined, access: Route['access']) => () =>
    guard.checkToken(authorization, route(access));

  test('is needed everywhere but where the route is open', () => {
    expect(check(undefined, 'open')).not.toThrow();
    expect(check(undefined, 'read')).toThrow(refused('UNAUTHORIZED'));
    expect(check('Bearer wrong', 'read')).toThrow(refused('UNAUTHORIZED'));
    expect(check('Basic secret', 'read')).toThrow(refused('UNAUTHORIZED'));
  });

  test('of kind read may not write, one of kind full may', () => {
    expect(check('Bearer peek', 'read')).not.toThrow();
    expect(check('Bearer peek', 'write')).toThrow(refused('FORBIDDEN'));
    expect(check('bearer secret', 'write')).not.toThrow();
  });

  test('is ignored without a token file', () => {
    expect(() => new Guard(none).checkToken('Bearer anything', route('write'))).not.toThrow();
  });

  test('in a malformed file is refused with the line', () => {
    expect(() => parseTokens('full a\nadmin b')).toThrow(/line 2/);
  });
});
