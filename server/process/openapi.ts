// Generates the OpenAPI description from the route table that the router runs on.
import { type ErrorCode, errorCodes } from '../messages/errors.ts';
import type { QueryParameter, Route } from './http/route.ts';

type Schema = Readonly<Record<string, unknown>>;

export function describeApi(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
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
        'SQL and key-value access to SQLite databases. JSON bodies are parsed whatever the Content-Type says.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: { Error: errorSchema() },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only with --auth-token-file.' } },
    },
  };
}

function describeRoute(route: Route): Schema {
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.tag],
    parameters: [...(route.path.includes('{key}') ? [keyParameter] : []), ...route.query.map(describeParameter)],
    ...(route.body === undefined ? {} : { requestBody: describeBody(route.body) }),
    responses: { ...describeAnswers(route), ...describeErrors(route.errors) },
    ...(route.access === 'open' ? {} : { security: [{}, { token: [] }] }),
  };
}

const keyParameter: Schema = {
  name: 'key',
  in: 'path',
  required: true,
  schema: { type: 'string', minLength: 1 },
  description: 'Percent-encoded once; may contain slashes.',
};

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
    description: parameter.sense,
  };
}

function describeBody(body: NonNullable<Route['body']>): Schema {
  const content =
    body.schema === undefined
      ? { 'application/octet-stream': { schema: {} } }
      : { 'application/json': { schema: body.schema } };
  return { description: body.sense, required: !(body.optional ?? false), content };
}

function describeAnswers(route: Route): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, { sense, schema, contentType }]) => {
      const type = contentType ?? (schema === undefined ? undefined : 'application/json');
      const content = type === undefined ? {} : { content: { [type]: { schema: schema ?? { type: 'string' } } } };
      return [status, { description: sense, ...content }];
    }),
  );
}

/** One answer per status, naming its codes. */
function describeErrors(codes: readonly ErrorCode[]): Record<string, unknown> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      { description: names.map((code) => `\`${code}\`: ${errorCodes[code].sense}`).join(' '), content },
    ]),
  );
}

function errorSchema(): Schema {
  return {
    type: 'object',
    required: ['error', 'code'],
    properties: {
      error: { type: 'string', description: 'For people; not a contract.' },
      code: { type: 'string', enum: Object.keys(errorCodes) },
      reqIdx: { type: 'integer', description: 'POST /db: index of the item at fault, -1 for the whole request.' },
    },
  };
}
