// The rows of the Redis door, which speaks as Upstash's REST API does: single commands, pipelines, transactions.
// https://upstash.com/docs/redis/features/restapi
import { ApiError, type ErrorCode } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { redisCommand } from '../../../messages/redis-commands.ts';
import { checkSize, errorReply, type Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Header, Route } from '../../http/route.ts';
import { anyJson, list, object, text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { readErrors, table, writeErrors } from '../kv-parameters.ts';
import { createParameters, timeoutParameter } from '../parameters.ts';
import { bodyCommand, bodyCommands, type Command, pathCommand, placeOf } from './requests.ts';
import { type Door, problemOf, requireAll, runPipeline, runTogether } from './run.ts';

const encoding: Header = {
  name: 'Upstash-Encoding',
  description: '`base64`: every string of the answer but "OK" is sent as base64.',
};
const result = object({ result: anyJson });
/** A command in its path form may end with a key of this name. */
const items = { anyOf: [list({ anyOf: [result, object({ error: text })] }), result] };
const errors: readonly ErrorCode[] = [...new Set([...readErrors, ...writeErrors])];

const shared = {
  tag: 'kv',
  // Each command is looked at: a read token may run those that only read.
  access: 'read',
  headers: [encoding],
  errors,
  errorReply: redisErrorReply,
} as const satisfies Partial<Route>;

const getCommand: Route = {
  ...shared,
  method: 'GET',
  path: '/upstash/{key}',
  name: 'upstashGet',
  summary: 'Run a command of Redis that only reads; its words stand in the path: /upstash/app/get/key.',
  query: [table, timeoutParameter],
  replies: { 200: { description: 'What the command answers.', schema: result } },
  handle: async (context, services) => {
    const { database, words } = placeOf(context);
    const command = pathCommand(context, words, Buffer.alloc(0));
    // A page of any site can send a GET that the browser names no origin of.
    if (redisCommand(command[0] ?? '')?.kind === 'write') {
      throw new ApiError('INVALID_PARAMETERS', `GET runs commands that only read; send ${command[0]} with POST`);
    }
    return await runOne({ context, services, database }, command);
  },
};

const postCommand: Route = {
  ...shared,
  method: 'POST',
  path: '/upstash/{key}',
  name: 'upstashCommand',
  summary: 'Run a command of Redis on the values of the key-value store.',
  query: [table, timeoutParameter, ...createParameters],
  body: {
    description: '["SET", "key", "value"]; of a command in the path, its last word.',
    optional: true,
  },
  replies: { 200: { description: 'What the command answers.', schema: result } },
  handle: onCommand,
};

const commandList = { description: 'An array of commands.', schema: list(list(anyJson)) };

const postPipeline: Route = {
  ...shared,
  method: 'POST',
  path: '/upstash/{key}/pipeline',
  name: 'upstashPipeline',
  summary: 'Run several commands of Redis in their order; others may come in between.',
  query: postCommand.query,
  body: commandList,
  replies: { 200: { description: 'A result or an error for each command.', schema: items } },
  handle: (context, services) => onCommands(context, services, 'pipeline'),
};

const postTransaction: Route = {
  ...shared,
  method: 'POST',
  path: '/upstash/{key}/multi-exec',
  name: 'upstashTransaction',
  summary: 'Run several commands of Redis as one transaction: nobody sees a part of it.',
  query: postCommand.query,
  body: commandList,
  replies: postPipeline.replies,
  handle: (context, services) => onCommands(context, services, 'multi-exec'),
};

export const upstashRoutes: readonly Route[] = [getCommand, postCommand, postPipeline, postTransaction];

async function onCommand(context: RequestContext, services: Services): Promise<Reply> {
  const { database, words } = placeOf(context);
  const body = await context.body();
  const command = words.length === 0 ? bodyCommand(body) : pathCommand(context, words, body);
  return await runOne({ context, services, database }, command);
}

async function onCommands(
  context: RequestContext,
  services: Services,
  form: 'pipeline' | 'multi-exec',
): Promise<Reply> {
  const { database, words } = placeOf(context);
  // A key of this name, at the end of a command in its path form.
  if (words.length !== 1) return await onCommand(context, services);
  const door = { context, services, database };
  const commands = bodyCommands(await context.body());
  if (form === 'pipeline') return reply(`[${await runPipeline(door, commands)}]`);
  requireAll(door, commands);
  return reply(`[${await runTogether(door, commands)}]`);
}

async function runOne(door: Door, command: Command): Promise<Reply> {
  const problem = problemOf(door, command);
  if (problem !== null) throw new ApiError(problem.startsWith('NOPERM') ? 'FORBIDDEN' : 'INVALID_PARAMETERS', problem);
  const item = await runPipeline(door, [command]);
  if (!item.startsWith('{"error":')) return reply(item);
  throw new ApiError('INVALID_PARAMETERS', (JSON.parse(item) as { error: string }).error);
}

function reply(body: string): Reply {
  checkSize(Buffer.byteLength(body), limits.responseBytes);
  return { status: 200, body };
}

/** The usual envelope, with a text that begins with a word in capitals as Redis's do. */
function redisErrorReply(error: ApiError): Reply {
  const { code, message, status, members } = error;
  const words: Partial<Record<ErrorCode, string>> = { UNAUTHORIZED: 'WRONGPASS', FORBIDDEN: 'NOPERM' };
  const shown = /^[A-Z]{3,} /.test(message) ? message : `${words[code] ?? 'ERR'} ${message}`;
  return errorReply(new ApiError(code, shown, { status, members }));
}
