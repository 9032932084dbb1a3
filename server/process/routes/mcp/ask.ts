// How tools ask the routes of the API: with their checks, limits, lanes, history and error texts.
import { ApiError, type ErrorCode, errorCodes } from '../../../messages/errors.ts';
import { isObject, type JsonObject, parseJson } from '../../../messages/json.ts';
import { limits } from '../../../messages/limits.ts';
import { withBookmarks } from '../../http/bookmarks.ts';
import type { RequestContext } from '../../http/context.ts';
import { Query } from '../../http/query.ts';
import type { Router } from '../../http/router.ts';
import type { Services } from '../../services.ts';
import type { Ask } from './tool.ts';

export interface Asker {
  readonly context: RequestContext;
  readonly services: Services;
  readonly router: Router;
  /** What stands as the client in histories. */
  readonly client: string;
  readonly mayWrite: boolean;
}

export function askOf({ context, services, router, client, mayWrite }: Asker): Ask {
  return async ({ method, path, query = {}, headers = {}, body = '' }) => {
    const { route, key } = router.match(method, `/api/v1/sqlite${path}`);
    if (route.access === 'write' && !mayWrite) throw new ApiError('FORBIDDEN', 'this connection may only read');
    const part = context.part({
      key,
      headers,
      access: mayWrite ? 'full' : 'read',
      clientIp: client,
      body: typeof body === 'string' ? Buffer.from(body) : body,
      // The deadline is that of the whole request, however long this would have by itself.
      query: new Query(searchOf({ ...query, timeout: limits.deadlineMaxSeconds }), route.query),
    });
    const reply = await route.handle(part, services);
    const named = part.bookmarks === undefined ? reply : withBookmarks(reply, route, part.bookmarks);
    // A directory as the name of a database answers bytes of files.
    if (typeof named.body !== 'string') throw new ApiError('INVALID_PARAMETERS', 'tools work on databases alone');
    if (named.status >= 400) throw errorOf(named.body, named.status);
    return named.body;
  };
}

function searchOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
}

/** Some routes answer an error instead of throwing it. */
function errorOf(body: string, status: number): ApiError {
  const parsed = parseJson(body);
  const { error, code, ...members }: JsonObject = isObject(parsed) ? parsed : {};
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'INTERNAL_ERROR';
  return new ApiError(known, typeof error === 'string' ? error : 'internal error', { status, members });
}
