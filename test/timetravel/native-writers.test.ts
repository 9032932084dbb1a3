// Who made a change, as the history tells it: HTTP clients by address, native programs by process and container, and
// nobody by a name that may be wrong.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Api, apiOf } from '../helpers/http.ts';
import { type Started, start } from '../helpers/process.ts';

/** Writes its first argument to the keys that it reads, a line each, and says each when it is done. */
const writer = `
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for line in sys.stdin:
    connection.execute("REPLACE INTO kv_store (key, value) VALUES (?, ?)", (line.strip(), sys.argv[2]))
    print(line, end='', flush=True)
`;

interface Writer extends Started {
  write(key: string): Promise<void>;
}

function startWriter(daemon: Daemon, name: string, wrapper: readonly string[] = []): Writer {
  const [program = '', ...args] = [...wrapper, 'python3', '-c', writer, join(daemon.root, 'app.db'), name];
  const started = start(program, args);
  return {
    ...started,
    async write(key) {
      started.process.stdin?.write(`${key}\n`);
      await eventually(() => expect(started.stdout().split('\n')).toContain(key), { timeoutMs: 60_000 });
    },
  };
}

async function endAll(writers: readonly Writer[]): Promise<void> {
  for (const { process: child, exited } of writers) {
    child.stdin?.end();
    await exited;
  }
}

/** Of the newest operation of a key: who wrote it. */
async function clientOf({ call }: Api, key: string): Promise<{ client: string; client_ip: string | null }> {
  const { operations } = (await call('GET', `/kv/${key}/history?db=app&limit=1`)).json;
  return { client: operations[0].client, client_ip: operations[0].client_ip };
}

/**
 * Writes until a change has the name of its process: the first may have none, where nobody had looked before it at the
 * log's end.
 */
function named(api: Api, by: Writer, key: string): Promise<string> {
  let n = 0;
  return eventually(async () => {
    n += 1;
    await by.write(`${key}${n}`);
    return await eventually(
      async () => {
        const { client, client_ip } = await clientOf(api, `${key}${n}`);
        expect(client_ip).toBe(null);
        expect(client).toMatch(/^native:/);
        return client;
      },
      { timeoutMs: 5000 },
    );
  });
}

/** In a pid namespace of its own: what the kernel knows of a container. */
const apart = ['unshare', '--pid', '--fork', '--kill-child'];

test('a native change carries the name of its process and container, an SQL one the address of its client', async () => {
  await withDaemon(['--create-on-write'], async (daemon) => {
    const api = apiOf(daemon);
    await api.call('PUT', '/kv/first?db=app', { body: '0' });
    const host = startWriter(daemon, 'host');
    const contained = startWriter(daemon, 'contained', apart);
    try {
      expect(await named(api, host, 'h')).toBe(`native:python3[${host.pid}]@host`);
      expect(await named(api, contained, 'c')).toMatch(/^native:python3\[\d+\]@(?!host$)[\w.-]+$/);
      await api.sql('app', { statement: "REPLACE INTO kv_store (key, value) VALUES ('first', '1')" });
      expect(await clientOf(api, 'first')).toEqual({ client: 'http', client_ip: '127.0.0.1' });
    } finally {
      await endAll([host, contained]);
    }
  });
});

test('writers at the same time, and HTTP beside them, never get the name of another', async () => {
  await withDaemon(['--create-on-write'], async (daemon) => {
    const api = apiOf(daemon);
    await api.call('PUT', '/kv/first?db=app', { body: '0' });
    const writers = ['one', 'two'].map((name) => startWriter(daemon, name));
    const keysEach = 25;
    try {
      await Promise.all([
        ...writers.map(async (by, at) => {
          for (let n = 0; n < keysEach; n += 1) {
            await by.write(`w${at}-${n}`);
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
          }
        }),
        (async () => {
          for (let n = 0; n < keysEach; n += 1) {
            await api.call('PUT', `/kv/http${n}?db=app`, { body: `${n}` });
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
          }
        })(),
      ]);
      // Names are written down in order: the earlier ones are there then.
      for (const [at, by] of writers.entries()) await named(api, by, `last${at}-`);
      let found = 0;
      for (const [at, by] of writers.entries()) {
        for (let n = 0; n < keysEach; n += 1) {
          const { client } = await clientOf(api, `w${at}-${n}`);
          expect([`native:python3[${by.pid}]@host`, 'native']).toContain(client);
          if (client !== 'native') found += 1;
        }
      }
      for (let n = 0; n < keysEach; n += 1) expect((await clientOf(api, `http${n}`)).client).toBe('http');
      process.stdout.write(`native writers: ${found} of ${2 * keysEach} changes named\n`);
    } finally {
      await endAll(writers);
    }
  });
});
