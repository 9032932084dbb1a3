// Random requests against the doors of other protocols, which it knows: commands of Redis, tools of agents, keys of
// unstorage, streams and copies of libSQL. No answer is a 500, whatever form its protocol gives to errors.
import fc from 'fast-check';
import { expect } from 'vitest';
import { redisCommands } from '../../server/messages/redis-commands.ts';
import type { Api } from './http.ts';
import { readingTools, writingTools } from './mcp.ts';

interface Asked {
  readonly method: string;
  /** Below the root of the server. */
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (value: unknown): string => JSON.stringify(value) ?? 'null';
/** Few keys, so that values of every kind meet every command. */
const key = fc.constantFrom('a', 'b', 'c', 'd:1', '', ' ', '\u{1f600}', '%00', '*');
const number = fc.oneof(
  fc.integer({ min: -3, max: 5 }).map(String),
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '1e400', '0.1', 'nan', '+1', '18446744073709551616'),
);
const word = fc.oneof(
  key,
  number,
  fc.string({ maxLength: 8 }),
  fc.constantFrom('EX', 'PX', 'NX', 'XX', 'GET', 'KEEPTTL', 'MATCH', 'COUNT', 'TYPE', 'EXAT', 'PERSIST', 'LT'),
);

const command = fc
  .tuple(fc.oneof(fc.constantFrom(...Object.keys(redisCommands)), fc.string()), key, fc.array(word, { maxLength: 5 }))
  .map(([name, first, others]) => [name, first, ...others]);
const someCommands = fc.oneof(fc.array(command, { maxLength: 5 }), fc.array(fc.jsonValue()), fc.jsonValue());

const redis: fc.Arbitrary<Asked> = fc.oneof(
  command.map((words) => ({ method: 'POST', path: '/upstash/fuzz', body: json(words) })),
  fc.jsonValue().map((value) => ({ method: 'POST', path: '/upstash/fuzz', body: json(value) })),
  fc
    .tuple(fc.constantFrom('pipeline', 'multi-exec'), someCommands)
    .map(([form, list]) => ({ method: 'POST', path: `/upstash/fuzz/${form}`, body: json(list) })),
  fc
    .tuple(fc.constantFrom('GET', 'POST'), command)
    .map(([method, words]) => ({ method, path: `/upstash/fuzz/${words.map(encodeURIComponent).join('/')}` })),
);

const unstorage: fc.Arbitrary<Asked> = fc
  .tuple(fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'), fc.array(key, { maxLength: 3 }), word, fc.string())
  .map(([method, keys, ttl, body]) => {
    const path = `/unstorage/fuzz/${keys.map(encodeURIComponent).join('/')}`;
    return { method, path, headers: { 'x-ttl': encodeURIComponent(ttl) }, ...(method === 'PUT' ? { body } : {}) };
  });

const tool = fc.constantFrom(...readingTools, ...writingTools, 'none');
const argument = fc.oneof(word, fc.jsonValue(), fc.constantFrom('SELECT 1', 'SELECT ?', 'PRAGMA x', 'BEGIN', ';'));
const toolArguments = fc.oneof(
  fc.record(
    {
      db: fc.oneof({ weight: 5, arbitrary: fc.constant('fuzz') }, { weight: 1, arbitrary: argument }),
      sql: argument,
      params: fc.oneof(fc.array(argument), fc.jsonValue()),
      limit: fc.oneof(fc.integer(), argument),
      key: argument,
      value: fc.jsonValue(),
      statements: fc.oneof(fc.array(fc.record({ sql: argument, params: fc.array(argument) })), fc.jsonValue()),
      at: argument,
      at_timestamp: argument,
      to_timestamp: argument,
      since: argument,
      confirm: fc.boolean(),
    },
    { requiredKeys: ['db'] },
  ),
  fc.jsonValue(),
);
const id = fc.oneof(fc.integer(), fc.string(), fc.constant(null));
const calls = fc.record({
  jsonrpc: fc.constant('2.0'),
  id,
  method: fc.constant('tools/call'),
  params: fc.record({ name: tool, arguments: toolArguments }),
});
const methods = fc.record({
  jsonrpc: fc.constantFrom('2.0', '1.0'),
  id,
  method: fc.constantFrom('initialize', 'server/discover', 'tools/list', 'ping', 'notifications/cancelled', 'x'),
  params: fc.jsonValue(),
});
const agents: fc.Arbitrary<Asked> = fc
  .oneof({ weight: 4, arbitrary: calls }, methods, fc.array(calls, { maxLength: 3 }), fc.jsonValue())
  .map((message) => ({ method: 'POST', path: '/mcp?write=true', body: json(message) }));

const digits = fc.oneof(fc.integer({ min: 0, max: 9 }).map(String), fc.constantFrom('9999999999', '4294967296', '-1'));
const copies: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.constantFrom('fuzz', 'none', '..', '%2F'),
    fc.constantFrom('info', 'export', 'sync'),
    digits,
    digits,
    digits,
  )
  .map(([db, what, generation, from, to]) => {
    const rest = what === 'info' ? '' : what === 'export' ? `/${generation}` : `/${generation}/${from}/${to}`;
    return { method: 'GET', path: `/libsql/${db}/${what}${rest}` };
  });

/** The same requests for the same seed. @throws as `expect` */
export async function fuzzDoors(api: Api, numRuns: number, seed?: number): Promise<void> {
  await api.sql('fuzz', { statement: 'CREATE TABLE IF NOT EXISTS t (a)' });
  const ask = async ({ method, path, body, headers = {} }: Asked): Promise<void> => {
    const answer = await api.call(method, `/${path}`, { headers, ...(body === undefined ? {} : { body }) });
    expect([answer.status, answer.text]).toEqual([expect.toSatisfy((status) => Number(status) < 500), answer.text]);
    expect(answer.text).not.toMatch(/INTERNAL_ERROR|internal error/);
  };
  await fc.assert(fc.asyncProperty(fc.oneof(redis, unstorage, agents, copies), ask), {
    numRuns,
    ...(seed === undefined ? {} : { seed }),
  });
  // What a protocol hides from its client stands in the log.
  expect(api.daemon.stderr()).not.toContain('"request failed"');
}
