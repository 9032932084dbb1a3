// Whose request it is, by address.
import type { IncomingMessage } from 'node:http';

/** `trustProxy`: a header may name the client that the proxy speaks for. */
export function clientAddress(request: IncomingMessage, trustProxy: boolean): string {
  if (trustProxy) {
    const forwarded = String(request.headers['x-forwarded-for'] ?? '')
      .split(',')
      .map((address) => address.trim())
      .find((address) => address !== '');
    // Only an address: the history keeps it beside the names of native programs.
    if (forwarded && /^[\da-f.:[\]]+$/i.test(forwarded)) return forwarded;
  }
  return (request.socket.remoteAddress ?? 'unix').replace(/^::ffff:/, '');
}
