// The door of MCP: one address to which agents post JSON-RPC messages. It keeps no sessions.
// https://modelcontextprotocol.io/specification
import { ApiError, toApiError } from '../../../messages/errors.ts';
import { type Json, parseJsonBody } from '../../../messages/json.ts';
import { limits } from '../../../messages/limits.ts';
import { checkSize, type Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { DescribedReply, Header, Route } from '../../http/route.ts';
import { Router } from '../../http/router.ts';
import {
  anyJson,
  errorReference,
  integer,
  list,
  nullable,
  object,
  oneOfTexts,
  optional,
  type Schema,
  text,
} from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { timeoutParameter } from '../parameters.ts';
import { answerTo, type Door } from './dispatch.ts';
import { decodeMessage, errorText, RpcError, refusalReply, rpcCodes, rpcErrorReply } from './json-rpc.ts';
import { envelopeOf, mayBatch } from './protocol.ts';

const mostMessages = 100;

const version = oneOfTexts('2.0');
const id = nullable({ anyOf: [text, { type: 'number' }] });
const failure = object({
  jsonrpc: version,
  id,
  error: object({ code: integer, message: text, data: optional(anyJson) }),
});
const one: Schema = { anyOf: [object({ jsonrpc: version, id, result: anyJson }), failure] };
const sessionHeader: Header = {
  name: 'Mcp-Session-Id',
  description: 'Of an answer to initialize: the name of the client. Nothing is kept of it.',
};
const failed: DescribedReply = {
  description: 'An error of JSON-RPC; of what is refused for its host, origin or size, the error of every route.',
  schema: { anyOf: [failure, errorReference] },
};
const statuses = [400, 401, 403, 404, 413, 414, 431, 500, 503];

/** `routes` is asked for late: the table that holds this row is what its tools ask. */
export function mcpRoutes(routes: () => readonly Route[]): readonly Route[] {
  let made: Router | undefined;
  const router = () => {
    made ??= new Router(routes());
    return made;
  };
  return [
    {
      method: 'POST',
      path: '/mcp',
      name: 'mcp',
      summary: 'The Model Context Protocol, for agents: messages of JSON-RPC',
      tag: 'mcp',
      // Tools that write are neither offered to nor run for a read token.
      access: 'read',
      query: [
        {
          name: 'write',
          type: 'boolean',
          description:
            'Offer the tools that write. Default: true for a token that may write, false where no tokens are asked for.',
        },
        { name: 'db', type: 'text', description: 'Only this database.' },
        timeoutParameter,
      ],
      headers: [
        { name: 'Mcp-Protocol-Version', description: 'The version of the protocol.' },
        { name: 'Mcp-Session-Id', description: 'As it was answered to initialize.' },
        { name: 'Mcp-Method', description: 'The method once more.' },
        { name: 'Mcp-Name', description: 'The name of the tool once more.' },
      ],
      body: { description: 'A message, or before 2025-06-18 a list of them.', schema: { anyOf: [anyJson] } },
      replies: {
        200: {
          description: 'An answer for each request.',
          schema: { anyOf: [one, list(one)] },
          headers: [sessionHeader],
        },
        202: { description: 'There were only notifications, which are not answered.' },
        ...Object.fromEntries(statuses.map((status) => [status, failed])),
      },
      errors: [
        'INVALID_PARAMETERS',
        'INVALID_DB_PATH',
        'FORBIDDEN',
        'NOT_FOUND',
        'PAYLOAD_TOO_LARGE',
        'RESPONSE_TOO_LARGE',
        'SERVICE_UNAVAILABLE',
      ],
      errorReply: refusalReply,
      handle: (context, services) => handle(doorOf(context, services, router())),
    },
  ];
}

function doorOf(context: RequestContext, services: Services, router: Router): Door {
  const { query } = context;
  const asked = query.optionalBoolean('write');
  if (asked === true && context.access !== 'full') throw new ApiError('FORBIDDEN', 'this token may only read');
  const mayWrite = context.access === 'full' && (asked ?? services.options.authTokenFile !== null);
  const name = query.text('db');
  return { context, services, router, mayWrite, pinned: name === '' ? null : services.resolve(name) };
}

async function handle(door: Door): Promise<Reply> {
  try {
    const json = parsed(await door.context.body());
    return Array.isArray(json) ? await answerBatch(door, json) : await answerOne(door, json);
  } catch (error) {
    if (error instanceof RpcError) return rpcErrorReply(error);
    throw error;
  }
}

function parsed(body: Buffer): Json {
  try {
    return parseJsonBody(body, 'INVALID_PARAMETERS');
  } catch (error) {
    throw new RpcError(rpcCodes.parseError, toApiError(error).message, { status: 400 });
  }
}

async function answerOne(door: Door, json: Json): Promise<Reply> {
  const message = decodeMessage(json);
  const answer = message === null ? null : await answerTo(door, message);
  if (answer === null) return { status: 202, body: null };
  const headers = answer.sessionId === undefined ? {} : { 'mcp-session-id': answer.sessionId };
  return { status: 200, body: answer.text, headers };
}

async function answerBatch(door: Door, messages: readonly Json[]): Promise<Reply> {
  const refuse = (message: string) => new RpcError(rpcCodes.invalidRequest, message, { status: 400 });
  if (!mayBatch(door.context)) throw refuse('since 2025-06-18 a request is one message, no list');
  if (messages.length === 0) throw refuse('a list of messages must not be empty');
  if (messages.length > mostMessages) throw refuse(`a list has at most ${mostMessages} messages`);
  const texts: string[] = [];
  for (const json of messages) {
    const text = await answerInBatch(door, json);
    if (text !== null) texts.push(text);
  }
  if (texts.length === 0) return { status: 202, body: null };
  const body = `[${texts.join(',')}]`;
  checkSize(Buffer.byteLength(body), limits.responseBytes);
  return { status: 200, body };
}

async function answerInBatch(door: Door, json: Json): Promise<string | null> {
  try {
    const message = decodeMessage(json);
    if (message === null) return null;
    const { method, id } = message;
    if (method === 'initialize' || (id !== null && envelopeOf(door.context, message).isModern)) {
      throw new RpcError(rpcCodes.invalidRequest, 'this message must come alone, not in a list', { id });
    }
    return (await answerTo(door, message))?.text ?? null;
  } catch (error) {
    if (error instanceof RpcError) return errorText(error);
    throw error;
  }
}
