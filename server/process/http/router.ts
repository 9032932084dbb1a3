// Finds the route of a request by method and raw path. A key may contain slashes, encoded or literal, so the fixed
// parts are compared before anything is decoded.
import { ApiError } from '../../messages/errors.ts';
import type { Method, Route } from './route.ts';

export interface Match {
  readonly route: Route;
  /** Decoded; '' for a route without a key. */
  readonly key: string;
}

interface KeyedRoute {
  readonly route: Route;
  /** What stands before and after `{key}`. */
  readonly before: string;
  readonly after: string;
}

const keySlot = '{key}';

export class Router {
  readonly #fixed = new Map<string, Map<Method, Route>>();
  /** Those with something after the key come first: `/kv/a/incr` is a call of incr, not a key. */
  readonly #keyed: readonly KeyedRoute[];

  constructor(routes: readonly Route[]) {
    const keyed: KeyedRoute[] = [];
    for (const route of routes) {
      const at = route.path.indexOf(keySlot);
      if (at >= 0) {
        keyed.push({ route, before: route.path.slice(0, at), after: route.path.slice(at + keySlot.length) });
        continue;
      }
      const methods = this.#fixed.get(route.path) ?? new Map<Method, Route>();
      methods.set(route.method, route);
      this.#fixed.set(route.path, methods);
    }
    this.#keyed = keyed.sort((one, other) => other.after.length - one.after.length);
  }

  /** @throws ApiError NOT_FOUND, METHOD_NOT_ALLOWED, INVALID_PARAMETERS for a key that is not valid percent-encoding */
  match(method: string, path: string): Match {
    const methods = this.#fixed.get(path);
    const fixed = methods?.get(method as Method);
    if (fixed !== undefined) return { route: fixed, key: '' };
    const others = new Set<string>(methods?.keys());
    let get = methods?.get('GET');
    let getKey = '';
    for (const { route, before, after } of this.#keyed) {
      if (!path.startsWith(before) || !path.endsWith(after) || path.length <= before.length + after.length) continue;
      const key = path.slice(before.length, path.length - after.length);
      if (route.method === method) return { route, key: decodeKey(key) };
      if (route.method === 'GET' && get === undefined) [get, getKey] = [route, key];
      others.add(route.method);
    }
    // A HEAD of its own comes first: /kv/snapshot is a key there.
    if (method === 'HEAD' && get !== undefined) return { route: get, key: decodeKey(getKey) };
    if (others.size === 0) throw new ApiError('NOT_FOUND', 'there is no such route');
    const allowed = [...others].join(', ');
    throw new ApiError('METHOD_NOT_ALLOWED', `${method} is not allowed here; allowed: ${allowed}`);
  }
}

function decodeKey(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the key in the path is not valid percent-encoded UTF-8', { cause });
  }
}
