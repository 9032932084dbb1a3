// The store that a URL names.
import { FileStore } from './file-store.ts';
import { impatience } from './s3/requests.ts';
import { S3Store } from './s3-store.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

export interface OpenStoreOptions {
  /** Somebody waits for what it answers: it gives up after seconds instead of minutes. */
  readonly isSoonGivenUp?: boolean;
}

/**
 * @param url `file:///folder`, `s3://bucket/prefix`, or an absolute path of a folder. Nothing is read or made yet.
 * Credentials of S3 come from the environment of this process, or a file that it names.
 * @throws ShipError `bad-url`
 */
export function openStore(url: string, { isSoonGivenUp = false }: OpenStoreOptions = {}): ShipStore {
  if (url.startsWith('/')) return new FileStore(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'file:') {
    if (parsed.host !== '') {
      throw new ShipError('bad-url', `${url}: a folder is named with three slashes, file:///${parsed.host}...`);
    }
    return new FileStore(decodeURIComponent(parsed.pathname));
  }
  if (parsed?.protocol === 's3:') return new S3Store(url, process.env, isSoonGivenUp ? { patience: impatience } : {});
  throw new ShipError(
    'bad-url',
    `${withoutSecrets(url)} is no place to ship to: use file:///FOLDER or s3://BUCKET/PREFIX`,
  );
}

/** A URL may carry a name and a password by mistake. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
