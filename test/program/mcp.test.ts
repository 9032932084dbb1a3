// `hoody-sqlite mcp` with the public clients of both eras, as an agent starts it: a process that talks over stdin and
// stdout with a daemon on a real mount.
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, test } from 'vitest';
import { programPath, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request, useDaemon } from '../helpers/http.ts';
import { type AnyClient, identity } from '../helpers/mcp.ts';
import { run, start } from '../helpers/process.ts';

const api = useDaemon(['--create-on-write']);

type Connect = (flags: readonly string[]) => Promise<AnyClient>;

const flagsOf = ({ runDir, data }: { runDir: string; data: string }) => ['--run-dir', runDir, '--data', data];
const commandFor = (flags: readonly string[]) => ({
  command: process.execPath,
  args: [programPath, 'mcp', ...flagsOf(api().daemon), ...flags],
});

const clients: readonly (readonly [string, Connect])[] = [
  [
    'sdk',
    async (flags) => {
      const client = new Client(identity);
      await client.connect(new StdioClientTransport(commandFor(flags)));
      return client;
    },
  ],
  [
    'client',
    async (flags) => {
      const client = new ModernClient(identity, { versionNegotiation: { mode: 'auto' } });
      await client.connect(new ModernStdio(commandFor(flags)));
      return client;
    },
  ],
];

test.each(clients)('@modelcontextprotocol/%s reads, and writes with --write', async (name, connect) => {
  const db = `by-${name}`;
  const reader = await connect([]);
  try {
    const { tools } = await reader.listTools();
    expect(tools.map((tool) => tool.name)).toContain('query');
    expect(tools.map((tool) => tool.name)).not.toContain('execute');
    await expect(reader.callTool({ name: 'kv_set', arguments: { db, key: 'k', value: 1 } })).rejects.toThrow(/--write/);
  } finally {
    await reader.close();
  }
  const writer = await connect(['--write', '--db', db]);
  try {
    const call = (tool: string, args: Record<string, unknown>) => writer.callTool({ name: tool, arguments: args });
    const value = { text: 'line\nend', many: 'x'.repeat(1_000_000) };
    expect(await call('kv_set', { key: 'k', value })).toMatchObject({ structuredContent: { key: 'k' } });
    const text = '{\n  "a": "\u2028"\r\n}';
    await call('kv_set', { key: 'lines', text, content_type: 'application/json' });
    const answers = await Promise.all([call('kv_get', { key: 'k' }), call('kv_get', { key: 'lines' })]);
    expect(answers).toMatchObject([
      { structuredContent: { value } },
      { structuredContent: { value: { a: '\u2028' } } },
    ]);
    expect(await call('list_databases', {})).toMatchObject({ structuredContent: { items: [{ name: `${db}.db` }] } });
  } finally {
    await writer.close();
  }
  const history = await request(`${api().daemon.url}/api/v1/sqlite/kv/k/history?db=${db}`, 'GET');
  expect(history.json.operations).toMatchObject([{ client: 'mcp:agent-of-test@local' }]);
});

test('it answers each line by one line, and ends with its input', async () => {
  const lines = [
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '',
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    'no json',
    '[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":"b","method":"none"}]',
    '5',
  ];
  const { code, stdout, stderr } = await run(process.execPath, commandFor([]).args, { stdin: lines.join('\n') });
  expect([code, stderr]).toEqual([0, '']);
  const answers = stdout.trimEnd().split('\n');
  expect(answers).toHaveLength(4);
  const codes = answers.map((line) => {
    const answer = JSON.parse(line) as { id: unknown; error?: { code: number } };
    return Array.isArray(answer) ? answer.map(({ id }) => id) : [answer.id, answer.error?.code ?? 0];
  });
  expect(codes).toEqual(
    expect.arrayContaining([
      [1, 0],
      [null, -32700],
      ['a', 'b'],
      [null, -32600],
    ]),
  );
});

test('a cancelled call ends in the database, and has no answer', async () => {
  await api().sql('endless', { statement: 'CREATE TABLE t (a)' });
  const client = new Client(identity);
  await client.connect(new StdioClientTransport(commandFor([])));
  /** Of the connections that do more than keep the database open. */
  const reading = async () => {
    const { databases } = (await api().call('GET', '/locks')).json;
    const { holders = [] } = databases.find(({ db }: { db: string }) => db === 'endless.db') ?? {};
    return holders.filter(({ lock }: { lock: string }) => /^READ/.test(lock)).length as number;
  };
  try {
    const sql =
      'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r, (SELECT count(*) FROM t)';
    const cancel = new AbortController();
    const call = client.callTool({ name: 'query', arguments: { db: 'endless', sql } }, undefined, {
      signal: cancel.signal,
    });
    const ended = expect(call).rejects.toThrow(/changed its mind/);
    await eventually(async () => expect(await reading()).toBe(1));
    const cancelledMs = performance.now();
    cancel.abort('changed its mind');
    await ended;
    await eventually(async () => expect(await reading()).toBe(0), { timeoutMs: 60_000 });
    // Without the cancel it goes on until its deadline of 30 s.
    expect(performance.now() - cancelledMs).toBeLessThan(25_000);
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  } finally {
    await client.close();
  }
});

test('without a daemon each request is told so; a daemon that starts later serves it', () =>
  withPaths(async (paths) => {
    const bridge = start(process.execPath, [programPath, 'mcp', ...flagsOf(paths), '--db', 'none']);
    try {
      const ask = async (id: number) => {
        bridge.process.stdin?.write(`{"jsonrpc":"2.0","method":"notifications/x"}\n`);
        bridge.process.stdin?.write(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"schema"}}\n`);
        return await eventually(
          () => {
            const answers = bridge
              .stdout()
              .trimEnd()
              .split('\n')
              .filter((line) => line !== '');
            const parsed = answers.map((line) => JSON.parse(line) as { id: number; error?: object; result?: object });
            expect(parsed.map((answer) => answer.id)).toContain(id);
            return parsed.find((answer) => answer.id === id);
          },
          { timeoutMs: 60_000 },
        );
      };
      expect(await ask(1)).toMatchObject({ error: { code: -32000, message: /no daemon runs.*hoody-sqlite start/ } });
      await withDaemon(
        ['--no-mount'],
        async () => {
          expect(await ask(2)).toMatchObject({ result: { isError: true } });
        },
        { paths },
      );
      bridge.process.stdin?.end();
      expect((await bridge.finished).code).toBe(0);
    } finally {
      bridge.process.kill('SIGKILL');
    }
  }));

test('a name that is none is told with the id of the request', async () => {
  const line = '{"jsonrpc":"2.0","id":"x","method":"tools/list"}\n';
  const { stdout } = await run(process.execPath, commandFor(['--db', '../outside']).args, { stdin: line });
  expect(JSON.parse(stdout)).toMatchObject({ id: 'x', error: { code: -32000, data: { code: 'INVALID_DB_PATH' } } });
});
