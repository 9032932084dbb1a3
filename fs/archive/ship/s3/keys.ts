// Keys of objects, and their place in a URL. Pure.
import { ShipError } from '../ship-error.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const longestKeyBytes = 1024;

/**
 * @param prefix '' or `a/b/`
 * @param name relative to the store
 * @throws ShipError `unsupported` for a name that no URL can carry to the service as it is
 */
export function keyOf(prefix: string, name: string): string {
  const key = `${prefix}${name}`;
  // A URL has no segments of dots: every client and proxy resolves them.
  const hasOddSegment = key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
  if (hasOddSegment || /\p{Surrogate}/u.test(key)) {
    throw new ShipError('unsupported', `An S3 service cannot keep an object of the name ${JSON.stringify(key)}`);
  }
  if (Buffer.byteLength(key) > longestKeyBytes) {
    throw new ShipError(
      'unsupported',
      `An S3 service keeps names of at most ${longestKeyBytes} bytes; this one is longer: ` +
        `${key.slice(0, 100)}... Shorten the prefix of the URL or the name of the database`,
    );
  }
  return key;
}

/** '' for the bucket. Every byte but A-Z a-z 0-9 - . _ ~ and the slash is escaped, as the signature has it. */
export function escapedPath(key: string): string {
  return key === '' ? '' : `/${key.split('/').map(escaped).join('/')}`;
}

export function escapedQuery(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
