// Raw sockets that keep a server busy, each with one request outstanding: an HTTP client library would cost more than
// the server under test.
import { connect } from 'node:net';

/**
 * `nextRequest` gives the bytes of a request, as text.
 * @returns {Promise<{requests: number, perSecond: number, errors: number, p50Ms: number, p99Ms: number}>}
 */
export async function keepBusy({ port, connections, seconds }, nextRequest) {
  const startedMs = performance.now();
  const endMs = startedMs + Number(seconds) * 1000;
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
        socket.write(nextRequest());
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
  const perSecond = timesMs.length / ((performance.now() - startedMs) / 1000);
  timesMs.sort((one, other) => one - other);
  const at = (share) => Number((timesMs[Math.floor(timesMs.length * share)] ?? 0).toFixed(2));
  return { requests: timesMs.length, perSecond, errors, p50Ms: at(0.5), p99Ms: at(0.99) };
}
