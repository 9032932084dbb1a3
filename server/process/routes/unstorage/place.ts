// What the path of a request to the unstorage door names.
import { ApiError } from '../../../messages/errors.ts';
import type { RequestContext } from '../../http/context.ts';

export interface Place {
  readonly database: string;
  /** The key; of a base what its keys begin with: nothing, or a text that ends with a colon. */
  readonly key: string;
  /** The path ends with a colon or a slash: it stands for all keys below. */
  readonly isBase: boolean;
}

/** `/unstorage/{database}/{segment}/{segment}...`, from the path as it was sent: an encoded slash stays one. */
export function placeOf({ request }: RequestContext): Place {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const [database = '', ...segments] = path.slice('/unstorage/'.length).split('/').map(decode);
  if (segments.length === 0) {
    throw new ApiError('INVALID_PARAMETERS', 'name a key behind the database: /unstorage/app/key, or /unstorage/app/:');
  }
  const key = segments.join(':').replace(/^:+/, '');
  const isBase = key === '' || key.endsWith(':');
  const base = key.replace(/:+$/, '');
  return { database, key: isBase && base !== '' ? `${base}:` : isBase ? '' : key, isBase };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the path is not valid percent-encoded UTF-8', { cause });
  }
}
