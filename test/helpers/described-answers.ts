// Holds every answer of a test against what the server's own OpenAPI description says of it: status, codes, headers,
// body.
import type { IncomingHttpHeaders } from 'node:http';
import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { ApiError } from '../../server/messages/errors.ts';
import type { Route } from '../../server/process/http/route.ts';
import { Router } from '../../server/process/http/router.ts';
import { describeApi } from '../../server/process/openapi.ts';
import { routes } from '../../server/process/routes/table.ts';

interface Seen {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Record<string, { readonly responses: Record<string, Response> }>>>;
  readonly components: object;
}

/** Headers that HTTP itself or every answer has. */
const general =
  /^(access-control-.*|connection|content-(length|security-policy|type)|date|keep-alive|transfer-encoding|vary|x-(accel-buffering|content-type-options))$/;

const described = closed(describeApi(routes, 'test')) as Description;
const router = new Router(routes);
const ajv = new Ajv({ strict: false, validateFormats: false });
const validators = new Map<object, ValidateFunction>();

/** @throws Error naming what is not as described */
export function expectDescribed(method: string, url: string, seen: Seen): void {
  const fault = method === 'OPTIONS' ? null : faultOf(method, new URL(url).pathname, seen);
  if (fault !== null)
    throw new Error(`${method} ${url} answered ${seen.status}: ${fault}\n${seen.text.slice(0, 2000)}`);
}

function faultOf(method: string, path: string, { status, headers, text }: Seen): string | null {
  const route = routeOf(method, path);
  if (route === null || route.isMistake) return status < 400 ? 'there is no such route' : null;
  const response = described.paths[route.path]?.[route.method.toLowerCase()]?.responses[status];
  if (response === undefined) return 'the status is not described';
  const code = String(headers['x-hoody-error-code']);
  if (status >= 400 && !response.description.includes(`\`${code}\``)) return `the code ${code} is not described`;

  const names = new Set(Object.keys(response.headers ?? {}).map((name) => name.toLowerCase()));
  const type = String(headers['content-type']).split(';')[0] ?? '';
  const isStream = type === 'text/event-stream';
  const odd = Object.keys(headers).find(
    (name) => !general.test(name) && !names.has(name) && !(isStream && name === 'cache-control'),
  );
  if (odd !== undefined) return `the header ${odd} is not described`;

  if (text === '') return null;
  const schema = (response.content?.[type] ?? response.content?.['*/*'])?.schema;
  if (schema === undefined) return `a body of type ${type} is not described`;
  if (type !== 'application/json') return null;
  const validate = validators.get(schema) ?? ajv.compile({ ...schema, components: described.components });
  validators.set(schema, validate);
  return validate(parse(text)) ? null : `the body is not as described: ${ajv.errorsText(validate.errors)}`;
}

function routeOf(method: string, path: string): Route | null {
  try {
    return router.match(method, path).route;
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

/** A value may be stored under a JSON type without being JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The same schemas, which allow no member that they do not name. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  const isOpen = 'type' in members && 'properties' in members && !('additionalProperties' in members);
  return isOpen ? { ...members, additionalProperties: false } : members;
}
