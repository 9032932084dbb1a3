// A load generator in a process of its own: CONNECTIONS sockets, each with one request outstanding, for SECONDS.
// Raw sockets, as an HTTP client library would cost more than the server under test.
// Usage: node load.mjs PORT CONNECTIONS SECONDS METHOD PATH -> one JSON line {requests, errors, p50Ms, p99Ms}
import { connect } from 'node:net';

const [port, connections, seconds, method, path] = process.argv.slice(2);
const request = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`;
const endMs = performance.now() + Number(seconds) * 1000;
const timesMs = [];
let errors = 0;

function client() {
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.setNoDelay(true);
    let sentMs = 0;
    let pending = '';
    const send = () => {
      sentMs = performance.now();
      socket.write(request);
    };
    socket.once('connect', send);
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const head = pending.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(pending.slice(0, head))?.[1] ?? 0);
      if (pending.length < head + 4 + length) return;
      if (!pending.startsWith('HTTP/1.1 200')) errors += 1;
      pending = '';
      const nowMs = performance.now();
      timesMs.push(nowMs - sentMs);
      if (nowMs < endMs) send();
      else socket.end();
    });
    socket.on('error', () => {
      errors += 1;
    });
    socket.on('close', resolve);
  });
}

await Promise.all(Array.from({ length: Number(connections) }, client));
timesMs.sort((one, other) => one - other);
const at = (share) => Number((timesMs[Math.floor(timesMs.length * share)] ?? 0).toFixed(2));
process.stdout.write(`${JSON.stringify({ requests: timesMs.length, errors, p50Ms: at(0.5), p99Ms: at(0.99) })}\n`);
