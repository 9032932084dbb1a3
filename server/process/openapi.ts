// Generates the OpenAPI description from the route table that the router runs on.
import { type ErrorCode, errorCodes } from '../messages/errors.ts';
import { commitHeaders } from './http/bookmarks.ts';
import type { QueryParameter } from './http/query.ts';
import type { DescribedReply, Header, Route } from './http/route.ts';
import {
  anyJson,
  boolean,
  errorReference,
  integer,
  list,
  nullable,
  number,
  object,
  oneOfTexts,
  optional,
  type Schema,
  text,
} from './http/schema.ts';
import { holderSchema } from './routes/locks.ts';

/** What any request may be answered, before its route is asked. */
const generalErrors: readonly ErrorCode[] = [
  'INVALID_PARAMETERS',
  'FORBIDDEN',
  'URI_TOO_LONG',
  'HEADERS_TOO_LARGE',
  'INTERNAL_ERROR',
];
/** The same of a route that is not open to everybody. */
const guardedErrors: readonly ErrorCode[] = ['UNAUTHORIZED', 'SERVICE_UNAVAILABLE'];

const tags: Readonly<Record<Route['tag'], string>> = {
  database: 'Database files: create, delete, list, measure, maintain.',
  sql: 'SQL transactions, and read-only queries as links.',
  kv: 'A key-value store in a table, with its past.',
  history: 'The queries of a database.',
  changes: 'What happens to keys, as it happens.',
  mcp: 'The same databases as tools of agents.',
  studio: 'What the page at the root of the server is made of. It may change with every release.',
  libsql: 'For clients of libSQL: their URL is `http://HOST:PORT/libsql/NAME/`.',
  system: 'The server about itself.',
};

export function describeApi(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes.filter(({ isMistake }) => isMistake !== true)) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = describeRoute(route);
    paths[route.path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hoody-sqlite',
      version,
      description:
        'SQL and key-value access to SQLite databases. JSON bodies are parsed whatever the Content-Type says. Where GET is answered, so is HEAD.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The server that this description comes from.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { Error: errorSchema },
      headers: Object.fromEntries(Object.entries(errorHeaders).map(([name, header]) => [name, describeHeader(header)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only with --auth-token-file.' } },
    },
  };
}

function describeRoute(route: Route): Schema {
  const codes = [...route.errors, ...generalErrors, ...(route.access === 'open' ? [] : guardedErrors)];
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.tag],
    parameters: [
      ...(route.path.includes('{key}') ? [keyParameter] : []),
      ...numberParameters(route.path),
      ...route.query.map(describeParameter),
      ...(route.headers ?? []).map((header) => ({ name: header.name, in: 'header', ...describeHeader(header) })),
    ],
    ...(route.body === undefined ? {} : { requestBody: describeBody(route.body) }),
    responses: describeReplies(route, codes),
    security: route.access === 'open' ? [] : [{}, { token: [] }],
  };
}

const keyParameter: Schema = {
  name: 'key',
  in: 'path',
  required: true,
  schema: { type: 'string', minLength: 1 },
  description: 'Percent-encoded once; may contain slashes.',
};

/** Slots of a path behind its key. */
function numberParameters(path: string): Schema[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).filter((name) => name !== 'key');
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'integer', minimum: 0 } }));
}

function describeParameter(parameter: QueryParameter): Schema {
  const schema = {
    type: parameter.type === 'text' ? 'string' : parameter.type,
    ...(parameter.default === undefined ? {} : { default: parameter.default }),
    ...(parameter.min === undefined ? {} : { minimum: parameter.min }),
    ...(parameter.max === undefined ? {} : { maximum: parameter.max }),
  };
  return {
    name: parameter.name,
    in: 'query',
    required: parameter.required ?? false,
    schema,
    description: parameter.description,
  };
}

function describeHeader({ description, type }: Header): Schema {
  return { description, schema: type === 'integer' ? integer : text };
}

function describeBody(body: NonNullable<Route['body']>): Schema {
  const content =
    body.schema === undefined ? { '*/*': { schema: anyJson } } : { 'application/json': { schema: body.schema } };
  return { description: body.description, required: !(body.optional ?? false), content };
}

/** The codes of a status are named by all routes alike; what a route says of it stands behind them. */
function describeReplies(
  { replies, commits, errorSchema }: Route,
  codes: readonly ErrorCode[],
): Record<string, unknown> {
  const errors = errorReplies(codes, errorSchema ?? errorReference);
  const own = Object.entries(replies).map(([status, reply]): [string, DescribedReply] => {
    const general = errors.get(Number(status));
    return [
      status,
      general === undefined ? reply : { ...reply, description: `${general.description} ${reply.description}` },
    ];
  });
  const all = { ...Object.fromEntries(errors), ...Object.fromEntries(own) };
  return Object.fromEntries(
    Object.entries(all).map(([status, reply]) => {
      const isNamed = commits !== undefined && Number(status) < 300;
      const headers = [...(reply.headers ?? []), ...(isNamed ? commitHeaders : [])];
      return [status, describeReply(Number(status), { ...reply, headers })];
    }),
  );
}

function describeReply(
  status: number,
  { description, schema, contentType, orBytes, headers = [] }: DescribedReply,
): Schema {
  const described = Object.fromEntries(headers.map((header) => [header.name, describeHeader(header)]));
  const all = { ...described, ...(status >= 400 ? referencesTo(errorHeaders, status) : {}) };
  return {
    description,
    ...(Object.keys(all).length === 0 ? {} : { headers: all }),
    ...(schema === undefined
      ? {}
      : {
          content: { [contentType ?? 'application/json']: { schema }, ...(orBytes && { [orBytes]: { schema: text } }) },
        }),
  };
}

/** One reply per status, naming its codes. */
function errorReplies(codes: readonly ErrorCode[], schema: Schema): Map<number, DescribedReply> {
  const described = new Map<number, DescribedReply>();
  for (const code of new Set(codes)) {
    const { status, description } = errorCodes[code];
    const others = described.get(status)?.description;
    const named = `\`${code}\`: ${description}`;
    described.set(status, { description: others === undefined ? named : `${others} ${named}`, schema });
  }
  return described;
}

const errorHeaders: Readonly<Record<string, Header & { readonly status?: number }>> = {
  'X-Hoody-Error-Code': {
    name: 'X-Hoody-Error-Code',
    description: 'The code of the error, also where there is no body.',
  },
  'Retry-After': {
    name: 'Retry-After',
    type: 'integer',
    description: 'Seconds after which to try again.',
    status: 503,
  },
};

function referencesTo(headers: typeof errorHeaders, status: number): Schema {
  const fitting = Object.values(headers).filter((header) => header.status === undefined || header.status === status);
  return Object.fromEntries(fitting.map(({ name }) => [name, { $ref: `#/components/headers/${name}` }]));
}

const currentEtag = nullable(text);

const errorSchema: Schema = object({
  error: { ...text, description: 'For people; not a contract.' },
  code: oneOfTexts(...Object.keys(errorCodes)),
  reqIdx: optional({
    ...integer,
    description: 'POST /db: index of the item at fault, -1 for the whole request.',
  }),
  path: optional({ ...text, description: 'The database that exists.' }),
  exists: optional(boolean),
  files_removed: optional({ ...integer, description: 'Of a deletion that could not be completed.' }),
  current_etag: optional({ ...currentEtag, description: 'The ETag that did not fit; null for no key.' }),
  failed: optional({
    ...list(object({ key: text, current_etag: currentEtag })),
    description: 'Keys of a batch whose condition does not hold.',
  }),
  reason: optional({ ...text, description: 'Why a cursor cannot be continued.' }),
  message: optional({ ...text, description: 'Of TIME_TRAVEL_CHAIN_GAP in the rollback of a table.' }),
  change: optional({ ...integer, description: 'Of POST studio/apply: index of the change at fault.' }),
  conflicts: optional({
    ...list(object({ change: integer, reason: oneOfTexts('changed', 'gone'), now: optional(anyJson) })),
    description: 'Rows that were changed since they were read, as they are now.',
  }),
  hint: optional({ ...text, description: 'What may help.' }),
  offset: optional({ ...integer, description: 'Of the studio: where in the SQL, in UTF-16 units.' }),
  length: optional(integer),
  waitedMs: optional({ ...number, description: 'How long the request waited for the lock.' }),
  holder: optional({
    ...holderSchema,
    description: 'Who holds the database of DATABASE_BUSY, where that is known.',
  }),
});
