// Requests that offer to go on in another protocol. A server may ignore the offer (RFC 9110, section 7.8), and clients
// count on that: Java's HttpClient and `curl --http2` offer HTTP/2 (`Upgrade: h2c`) with every first request. But once
// somebody listens for 'upgrade', Node hands over each such request without an answer and without its body.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** What only says how the next hop may go on. */
const offers: readonly string[] = ['upgrade', 'http2-settings'];

export function offersWebSocket(request: IncomingMessage): boolean {
  return listOf(request.headers.upgrade).includes('websocket');
}

/**
 * Has the server answer the request as if nothing had been offered: it gets the connection once more, with the request
 * in front of what the client has sent since (`head`).
 */
export function answerWithoutUpgrade(server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  stream.unshift(Buffer.concat([Buffer.from(headWithoutOffer(request), 'latin1'), head]));
  server.emit('connection', stream);
}

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]];
    if (offers.includes(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutOffers(value) : value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function withoutOffers(connection: string): string {
  return listOf(connection)
    .filter((option) => !offers.includes(option))
    .join(', ');
}

function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .toLowerCase()
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
