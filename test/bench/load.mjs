// A load generator in a process of its own: one request, again and again.
// Usage: node load.mjs PORT CONNECTIONS SECONDS METHOD PATH [BODY] -> one JSON line, as keepBusy returns it
import { keepBusy } from './sockets.mjs';

const [port, connections, seconds, method, path, body = ''] = process.argv.slice(2);
const length = method === 'POST' ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : '';
const request = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${length}\r\n${body}`;
const seen = await keepBusy({ port, connections, seconds }, () => request);
process.stdout.write(`${JSON.stringify(seen)}\n`);
