// Finds the route of a request by method and raw path. A key may contain slashes, encoded or literal, so the fixed
// parts are compared before anything is decoded. Behind a key there may be slots for whole numbers.
import { ApiError } from '../../messages/errors.ts';
import type { Method, Route } from './route.ts';

export interface Match {
  readonly route: Route;
  /** Decoded; '' for a route without a key. */
  readonly key: string;
  /** By the names of their slots. */
  readonly numbers: Readonly<Record<string, number>>;
}

interface KeyedRoute {
  readonly route: Route;
  /** What stands before and after `{key}`. */
  readonly before: string;
  readonly after: string;
  /** Of `after`, where that has slots for numbers. */
  readonly pattern: RegExp | null;
}

const keySlot = '{key}';
const noNumbers: Match['numbers'] = {};

/** The path has a route, but not for this method. */
export class MethodNotAllowed extends ApiError {
  /** RFC 9110, 15.5.6: the answer has to name them in `Allow`. */
  readonly allowed: string;

  constructor(method: string, routed: ReadonlySet<string>) {
    const allowed = [...routed].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
    const text = [...new Set(allowed)].join(', ');
    super('METHOD_NOT_ALLOWED', `${method} is not allowed here; allowed: ${text}`);
    this.allowed = text;
  }
}

export class Router {
  readonly #fixed = new Map<string, Map<Method, Route>>();
  /** Those with something after the key come first: `/kv/a/incr` is a call of incr, not a key. */
  readonly #keyed: readonly KeyedRoute[];
  readonly #keyedBy = new Map<Method, readonly KeyedRoute[]>();

  constructor(routes: readonly Route[]) {
    const keyed: KeyedRoute[] = [];
    for (const route of routes) {
      const at = route.path.indexOf(keySlot);
      if (at >= 0) {
        const after = route.path.slice(at + keySlot.length);
        keyed.push({ route, before: route.path.slice(0, at), after, pattern: patternOf(after) });
        continue;
      }
      const methods = this.#fixed.get(route.path) ?? new Map<Method, Route>();
      methods.set(route.method, route);
      this.#fixed.set(route.path, methods);
    }
    this.#keyed = keyed.sort((one, other) => other.after.length - one.after.length);
    for (const { route } of keyed) {
      this.#keyedBy.set(
        route.method,
        this.#keyed.filter((one) => one.route.method === route.method),
      );
    }
  }

  /** @throws ApiError NOT_FOUND, MethodNotAllowed, INVALID_PARAMETERS for a key that is not valid percent-encoding */
  match(method: string, path: string): Match {
    const methods = this.#fixed.get(path);
    const fixed = methods?.get(method as Method);
    if (fixed !== undefined) return { route: fixed, key: '', numbers: {} };
    const found = this.#matchKeyed(method as Method, path);
    if (found !== null) return found;
    // A HEAD of its own comes first: /kv/snapshot is a key there.
    const get = methods?.get('GET');
    if (method === 'HEAD' && get !== undefined) return { route: get, key: '', numbers: {} };
    const getKeyed = method === 'HEAD' ? this.#matchKeyed('GET', path) : null;
    if (getKeyed !== null) return getKeyed;
    const others = new Set<string>(methods?.keys());
    for (const keyed of this.#keyed) if (placeOfKey(keyed, path) !== null) others.add(keyed.route.method);
    if (others.size === 0) throw new ApiError('NOT_FOUND', 'no such route: see GET /api/v1/sqlite/openapi.yaml');
    throw new MethodNotAllowed(method, others);
  }

  /** How errors are told at a path whose route is not known, since the host is refused, say. */
  errorReplyOf(path: string): Route['errorReply'] {
    const [fixed] = this.#fixed.get(path)?.values() ?? [];
    return (fixed ?? this.#keyed.find(({ before }) => path.startsWith(before))?.route)?.errorReply;
  }

  #matchKeyed(method: Method, path: string): Match | null {
    for (const keyed of this.#keyedBy.get(method) ?? []) {
      const place = placeOfKey(keyed, path);
      if (place !== null) return { route: keyed.route, key: decodeKey(place.key), numbers: place.numbers };
    }
    return null;
  }
}

/** The key as it is written, and the numbers behind it; null: the path is none of this route. */
function placeOfKey(
  { before, after, pattern }: KeyedRoute,
  path: string,
): { readonly key: string; readonly numbers: Match['numbers'] } | null {
  if (!path.startsWith(before)) return null;
  const found = pattern?.exec(path);
  const end = pattern === null ? after : found?.[0];
  if (end === undefined || !path.endsWith(end) || path.length <= before.length + end.length) return null;
  return { key: path.slice(before.length, path.length - end.length), numbers: numbersOf(found?.groups) };
}

function patternOf(after: string): RegExp | null {
  if (!after.includes('{')) return null;
  return new RegExp(`${after.replaceAll(/\{(\w+)\}/g, '(?<$1>[0-9]{1,10})')}$`);
}

function numbersOf(groups: Readonly<Record<string, string>> | undefined): Match['numbers'] {
  if (groups === undefined) return noNumbers;
  return Object.fromEntries(Object.entries(groups).map(([name, digits]) => [name, Number(digits)]));
}

function decodeKey(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the key in the path is not valid percent-encoded UTF-8', { cause });
  }
}
