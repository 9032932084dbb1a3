// Moments of the past as parameters of a request.
import { ApiError } from '../../messages/errors.ts';
import { parseAt } from '../../messages/moment.ts';
import type { At } from '../../messages/time-machine.ts';
import type { RequestContext } from '../http/context.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Header } from '../http/route.ts';

const momentText =
  'A time ("2026-11-28T10:00:00Z", seconds since 1970), how long ago ("10 minutes ago"), a bookmark, or "now". A time without a zone is one of the server\'s zone. It means the last commit at or before it.';

export const momentParameter = (name: string, description: string): QueryParameter => ({
  name,
  type: 'text',
  description: `${description} ${momentText}`,
});

export const bookmarkHeader: Header = {
  name: 'X-Hoody-Bookmark',
  description: 'With at: of the state that was asked.',
};

/** @throws ApiError INVALID_PARAMETERS */
export function momentOf(context: RequestContext, name: string): At {
  // A `+` that was not escaped in the URL is a space by now.
  const sent = context.query.text(name).replace(/(T?\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:?\d\d)$/, '$1+$2');
  let at: At;
  try {
    at = parseAt(sent);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', `"${name}": ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  if ('timeMs' in at && at.timeMs > Date.now()) throw new ApiError('INVALID_PARAMETERS', `"${name}" is in the future`);
  return at;
}

/** undefined where it is not given. @throws ApiError INVALID_PARAMETERS */
export const timeOf = (context: RequestContext, name: string): number | undefined => {
  if (context.query.text(name) === '') return undefined;
  const at = momentOf(context, name);
  if ('timeMs' in at) return at.timeMs;
  if ('head' in at) return Date.now();
  throw new ApiError('INVALID_PARAMETERS', `"${name}" must be a time; for a bookmark use "before"`);
};
