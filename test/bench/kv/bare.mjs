// What key-value requests are compared with, in one process on fd 3: `koa` answers a small JSON object; `sqlite` is a
// server as one writes it in an hour, node:http with better-sqlite3, WAL and synchronous FULL, without history.
// Usage: node bare.mjs koa | sqlite FILE
import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import Koa from 'koa';

const [kind, file] = process.argv.slice(2);
if (kind === 'koa') {
  const app = new Koa();
  app.use((context) => {
    context.body = { success: true, key: 'counter', value: 1 };
  });
  app.listen({ fd: 3 }, () => process.send?.('ready'));
} else {
  serveSqlite(new Database(file));
}
process.on('disconnect', () => process.exit(0));

function serveSqlite(database) {
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE kv (key TEXT PRIMARY KEY, value)');
  const get = database.prepare('SELECT value FROM kv WHERE key = ?').pluck();
  const put = database.prepare('INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
  const increment = database
    .prepare('INSERT INTO kv VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value')
    .pluck();
  const putAll = database.transaction((entries) => {
    for (const { key, value } of entries) put.run(key, JSON.stringify(value));
  });
  const answer = (method, path, body) => {
    const key = decodeURIComponent(path);
    if (path === 'batch/set') putAll(JSON.parse(body).batch);
    else if (method === 'PUT') put.run(key, body);
    else if (method === 'POST') return { value: increment.get(key.slice(0, -'/incr'.length)) };
    else return { value: get.get(key) };
    return { success: true };
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const path = request.url.split('?')[0].slice('/api/v1/sqlite/kv/'.length);
      const text = JSON.stringify(answer(request.method, path, body));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    });
  });
  server.listen({ fd: 3 }, () => process.send?.('ready'));
}
