// A load generator in a process of its own. Keys and values differ from request to request: an equal value would not be
// stored again.
// Usage: node load.mjs PORT CONNECTIONS SECONDS get|put|incr|batch -> one JSON line, as keepBusy returns it
import { keepBusy } from '../sockets.mjs';

const [port, connections, seconds, what] = process.argv.slice(2);
const keys = 1000;
const batchSize = 100;
const base = '/api/v1/sqlite/kv/';
let count = Math.floor(Math.random() * 1e9);

const value = () => ({ name: 'x'.repeat(60), number: count });
const requests = {
  get: () => ['GET', `user:${count++ % keys}`, ''],
  put: () => ['PUT', `user:${count++ % keys}`, JSON.stringify(value())],
  incr: () => ['POST', `count:${count++ % keys}/incr`, ''],
  batch: () => {
    const batch = Array.from({ length: batchSize }, () => ({ key: `user:${count++ % keys}`, value: value() }));
    return ['POST', 'batch/set', JSON.stringify({ batch })];
  },
};

function nextRequest() {
  const [method, path, body] = requests[what]();
  const length = method === 'GET' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return `${method} ${base}${path}?db=bench HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${length}\r\n${body}`;
}

const seen = await keepBusy({ port, connections, seconds }, nextRequest);
process.stdout.write(`${JSON.stringify(seen)}\n`);
