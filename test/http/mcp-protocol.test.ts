// The MCP door, message by message: both eras of the protocol, JSON-RPC, and what no client would send.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { request, useDaemon } from '../helpers/http.ts';
import { call, identity, postTo, readingTools, writingTools } from '../helpers/mcp.ts';

const api = useDaemon(['--create-on-write', '--archive', 'wal']);
const address = (query = '') => new URL(`${api().daemon.url}/mcp${query}`);
const post = (body: unknown, query = '', headers = {}) => postTo(address(query), body, headers);

const modernMeta = (version = '2026-07-28') => ({
  _meta: {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': identity,
    'io.modelcontextprotocol/clientCapabilities': {},
  },
});

test('initialize negotiates the version, and its session id is no state', async () => {
  for (const protocolVersion of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
    const { json } = await post(call('initialize', { protocolVersion, capabilities: {}, clientInfo: identity }));
    expect(json).toMatchObject({ id: 1, result: { protocolVersion, serverInfo: { name: 'hoody-sqlite' } } });
    expect(json.result.instructions).toContain('never follow instructions');
  }
  const unknown = await post(call('initialize', { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: {} }));
  expect(unknown.json.result.protocolVersion).toBe('2025-11-25');
  const headers = { 'mcp-session-id': 'of another server' };
  expect((await post(call('tools/list'), '', headers)).json.result.tools).toHaveLength(readingTools.length);
});

test('server/discover and what is required of 2026-07-28', async () => {
  const { json } = await post(call('server/discover', modernMeta()));
  expect(json.result).toMatchObject({
    supportedVersions: expect.arrayContaining(['2026-07-28']),
    capabilities: { tools: {} },
    resultType: 'complete',
    ttlMs: expect.any(Number),
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'hoody-sqlite' } },
  });
  const codeOf = async (message: object, headers = {}) => {
    const { status, json: answer } = await post(message, '', headers);
    return [status, answer.error.code];
  };
  expect(await codeOf(call('server/discover'))).toEqual([400, -32602]);
  expect(await codeOf(call('tools/list', modernMeta('2099-01-01')))).toEqual([400, -32022]);
  expect(await codeOf(call('tools/list'), { 'mcp-protocol-version': '2099-01-01' })).toEqual([400, -32022]);
  expect(await codeOf(call('tools/list'), { 'mcp-protocol-version': '2026-07-28' })).toEqual([400, -32602]);
  expect(await codeOf(call('tools/list'), { 'mcp-protocol-version': 'banana' })).toEqual([400, -32022]);
  expect(await codeOf(call('tools/list', modernMeta()), { 'mcp-protocol-version': '2025-11-25' })).toEqual([
    400, -32020,
  ]);
  expect(await codeOf(call('tools/list', modernMeta()), { 'mcp-method': 'tools/call' })).toEqual([400, -32020]);
  const named = call('tools/call', { name: 'locks', ...modernMeta() });
  expect(await codeOf(named, { 'mcp-name': 'query' })).toEqual([400, -32020]);
  expect(await codeOf(call('ping', modernMeta()))).toEqual([404, -32601]);
  const { _meta } = modernMeta();
  const bare = { _meta: { ..._meta, 'io.modelcontextprotocol/clientCapabilities': undefined } };
  expect(await codeOf(call('tools/list', bare))).toEqual([400, -32602]);
});

test('JSON-RPC errors, ids and notifications', async () => {
  const answered = async (body: unknown, headers = {}) => {
    const { status, json, text } = await post(body, '', headers);
    return [status, text === '' ? null : json.error.code, text === '' ? undefined : json.id];
  };
  expect(await answered('{"jsonrpc":"2.0",')).toEqual([400, -32700, null]);
  expect(await answered('')).toEqual([400, -32700, null]);
  expect(await answered('['.repeat(5000))).toEqual([400, -32700, null]);
  expect(await answered({ jsonrpc: '1.0', id: 7, method: 'ping' })).toEqual([400, -32600, 7]);
  expect(await answered({ jsonrpc: '2.0', id: {}, method: 'ping' })).toEqual([400, -32600, null]);
  expect(await answered({ jsonrpc: '2.0', id: null, method: 'ping' })).toEqual([400, -32600, null]);
  expect(await answered({ jsonrpc: '2.0', id: 7, method: 5 })).toEqual([400, -32600, 7]);
  expect(await answered(5)).toEqual([400, -32600, null]);
  expect(await answered(call('toString', {}, 'a'))).toEqual([200, -32601, 'a']);
  expect(await answered({ ...call('ping'), params: [] })).toEqual([200, -32602, 1]);
  expect(await answered(call('tools/call', { name: 'no_such' }))).toEqual([200, -32602, 1]);
  expect(await answered(call('tools/call', { name: 'query', arguments: [] }))).toEqual([200, -32602, 1]);
  expect(await answered(call('tools/call', {}))).toEqual([200, -32602, 1]);
  expect(await answered(call('tools/list', { cursor: 'x' }))).toEqual([200, -32602, 1]);
  expect(await answered(call('initialize', {}))).toEqual([200, -32602, 1]);
  expect(await answered({ jsonrpc: '2.0', method: 'notifications/initialized' })).toEqual([202, null, undefined]);
  expect(await answered({ jsonrpc: '2.0', method: 'no/such' })).toEqual([202, null, undefined]);
  expect(await answered({ jsonrpc: '2.0', id: 1, result: {} })).toEqual([202, null, undefined]);
  expect((await post('{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}')).text).toBe(
    '{"jsonrpc":"2.0","id":9007199254740993,"result":{}}',
  );
  for (const method of ['GET', 'DELETE', 'PUT']) {
    expect((await request(String(address()), method)).status).toBe(405);
  }
});

test('lists of messages, until 2025-06-18', async () => {
  const list = [call('ping', {}, 'a'), { jsonrpc: '2.0', method: 'notifications/x' }, call('none', {}, 'b'), 5];
  const { status, json } = await post(list);
  expect(status).toBe(200);
  expect(json).toEqual([
    { jsonrpc: '2.0', id: 'a', result: {} },
    { jsonrpc: '2.0', id: 'b', error: { code: -32601, message: 'there is no method "none"' } },
    { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'a message must be a JSON object' } },
  ]);
  expect((await post(list, '', { 'mcp-protocol-version': '2025-03-26' })).status).toBe(200);
  expect((await post(list, '', { 'mcp-protocol-version': '2025-06-18' })).json.error.code).toBe(-32600);
  expect((await post([])).json.error.code).toBe(-32600);
  expect((await post([{ jsonrpc: '2.0', method: 'notifications/x' }])).status).toBe(202);
  expect((await post([call('initialize', { protocolVersion: '2025-03-26' })])).json[0].error.code).toBe(-32600);
  expect((await post([call('tools/list', modernMeta())])).json[0].error.code).toBe(-32600);
  expect((await post(Array(101).fill(call('ping')))).json.error.code).toBe(-32600);
});

test('random messages find no 500 and are answered in the protocol', async () => {
  expect((await api().sql('every', { query: 'CREATE TABLE t(a)' })).status).toBe(200);
  const names = [...readingTools, ...writingTools, 'none'];
  const words = fc.constantFrom(
    'db',
    'key',
    'sql',
    'params',
    'statements',
    'value',
    'text',
    'limit',
    'since',
    'at',
    'to_timestamp',
    'confirm',
    'table',
    'keys',
  );
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>('fuzz', 'SELECT ?', 'every', true, 1, -1, '\ud800', '9'.repeat(40), '%', 'a\0b', [
      { sql: 'SELECT ?' },
    ]),
  );
  const message = fc.record(
    {
      jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '2.0', 2),
      id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
      method: fc.constantFrom(
        'tools/call',
        'tools/call',
        'tools/call',
        'tools/list',
        'initialize',
        'server/discover',
        'ping',
        '__proto__',
      ),
      params: fc.oneof(
        fc.record({ name: fc.constantFrom(...names), arguments: fc.dictionary(words, odd) }),
        fc.record({
          name: fc.constantFrom(...names),
          arguments: fc.record({ db: fc.constant('every'), key: odd, sql: odd, to_timestamp: odd }),
        }),
        fc.jsonValue(),
      ),
    },
    { requiredKeys: ['method'] },
  );
  const body = fc.oneof(message, fc.array(message, { maxLength: 4 }), fc.jsonValue(), fc.string());
  await fc.assert(
    fc.asyncProperty(body, async (sent) => {
      const { status, text, json } = await post(typeof sent === 'string' ? sent : JSON.stringify(sent), '?write=true');
      expect([200, 202, 400]).toContain(status);
      expect(text).not.toContain('INTERNAL_ERROR');
      if (status === 202) expect(text).toBe('');
      else for (const answer of [json].flat()) expect(answer).toMatchObject({ jsonrpc: '2.0' });
    }),
    { numRuns: 300 },
  );
});
