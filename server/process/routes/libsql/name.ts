// Which database a request of a libSQL client is for.
import type { DatabaseTarget } from '../../../messages/paths.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Services } from '../../services.ts';

/** Some clients put a slash of their own behind one at the end of the URL. @throws ApiError INVALID_DB_PATH */
export function databaseOf({ key }: RequestContext, services: Services): DatabaseTarget {
  return services.resolve(key.replace(/(?<=[^/])\/+$/, ''));
}
