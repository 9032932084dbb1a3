// The value of --listen: parsed, printed as a URL, and judged for whether other machines can reach it.
import { isIP } from 'node:net';
import { resolve } from 'node:path';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** sockaddr_un.sun_path holds 108 bytes with the closing zero. */
export const longestSocketPathBytes = 107;

/** Accepts HOST:PORT, [IPV6]:PORT, :PORT and unix:/path. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '') throw new Error('expected a path after unix:');
    if (Buffer.byteLength(resolve(path)) > longestSocketPathBytes) {
      throw new Error(`the path of a socket file may have at most ${longestSocketPathBytes} bytes`);
    }
    return { kind: 'unix', path: resolve(path) };
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const isBadIpv6 = match?.[1] !== undefined && isIP(match[1]) !== 6;
  if (!match || isBadIpv6 || port > 65_535) throw new Error('expected HOST:PORT, [IPV6]:PORT or unix:/path');
  return { kind: 'tcp', host: match[1] || match[2] || '127.0.0.1', port };
}

/** As --listen takes it. */
export function addressText(address: ListenAddress): string {
  return address.kind === 'unix' ? urlOf(address) : urlOf(address).slice('http://'.length);
}

/** What a client types; a socket file has no URL of its own, so it is written as unix:/path. */
export function urlOf(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `http://${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}

/**
 * False when only this machine can connect. A name other than localhost counts as reachable: it may resolve to
 * anything.
 */
export function isReachableFromOutside(address: ListenAddress): boolean {
  if (address.kind === 'unix') return false;
  return !(address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host));
}
