// What libSQL clients ask for. The database stands in the path, as clients have no other place for it: `{key}` is its
// name. A URL without the slash at its end loses the name, and is told so.
import { ApiError } from '../../../messages/errors.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import { text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { libsqlErrorReply, libsqlErrorSchema, streamErrors } from './errors.ts';
import { databaseOf } from './name.ts';
import { answerCursor, answerPipeline } from './pipeline.ts';
import { replicaRoutes } from './replica.ts';
import { cursorBody, pipelineAnswer, pipelineBody } from './schemas.ts';

const common = {
  tag: 'libsql',
  /** What writes is refused by the executor, statement by statement. */
  access: 'read',
  query: [],
  errorReply: libsqlErrorReply,
  errorSchema: libsqlErrorSchema,
} as const;

/** A read token may send it: statements that write are refused one by one. */
function pipelineRoute(version: 2 | 3): Route {
  return {
    ...common,
    method: 'POST',
    path: `/libsql/{key}/v${version}/pipeline`,
    name: `libsqlPipelineV${version}`,
    summary: `Requests of a stream (Hrana ${version})`,
    body: { description: 'The requests, in order. Any Content-Type.', schema: pipelineBody },
    replies: { 200: { description: 'One result for each request; SQL errors are results.', schema: pipelineAnswer } },
    errors: streamErrors,
    handle: answerPipeline,
  };
}

const cursorRoute: Route = {
  ...common,
  method: 'POST',
  path: '/libsql/{key}/v3/cursor',
  name: 'libsqlCursor',
  summary: 'A batch whose rows are answered line by line (Hrana 3)',
  body: { description: 'One batch. Any Content-Type.', schema: cursorBody },
  replies: { 200: { description: 'One JSON object a line.', schema: text, contentType: 'text/plain' } },
  errors: streamErrors,
  handle: answerCursor,
};

/** Asked by clients that look for the newest version that the server knows. */
function probeRoute(path: string, name: string, summary: string): Route {
  return {
    ...common,
    method: 'GET',
    path: `/libsql/{key}/${path}`,
    name,
    summary,
    replies: { 200: { description: 'Yes.', schema: text, contentType: 'text/plain' } },
    errors: ['INVALID_DB_PATH', 'PATH_IS_DIRECTORY'],
    handle: (context, services) => {
      databaseOf(context, services);
      return { status: 200, contentType: 'text/plain', body: path === 'version' ? services.options.version : 'ok' };
    },
  };
}

function namelessRoute(method: 'GET' | 'POST', path: string): Route {
  return {
    ...common,
    method,
    path: `/libsql/${path}`,
    name: `libsqlNameless${path.replace(/(?:^|\/)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: 'The URL of a client has lost the name of its database',
    replies: {},
    isMistake: true,
    errors: ['INVALID_DB_PATH'],
    handle: refuseNameless,
  };
}

function refuseNameless(_context: RequestContext, { options }: Services): never {
  const example = `/libsql/app/ for ${options.root}/app.db`;
  throw new ApiError('INVALID_DB_PATH', `the URL names no database: end the URL with / (${example})`);
}

export const libsqlRoutes: readonly Route[] = [
  pipelineRoute(2),
  pipelineRoute(3),
  cursorRoute,
  probeRoute('v2', 'libsqlV2', 'Whether Hrana 2 is spoken'),
  probeRoute('v3', 'libsqlV3', 'Whether Hrana 3 is spoken'),
  probeRoute('health', 'libsqlHealth', 'Whether the server answers'),
  probeRoute('version', 'libsqlVersion', 'The version of the server'),
  ...replicaRoutes,
  namelessRoute('POST', 'v2/pipeline'),
  namelessRoute('POST', 'v3/pipeline'),
  namelessRoute('POST', 'v3/cursor'),
  namelessRoute('GET', 'v2'),
  namelessRoute('GET', 'v3'),
  namelessRoute('GET', 'v3-protobuf'),
  namelessRoute('GET', 'info'),
];
