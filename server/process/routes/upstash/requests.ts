// What a request to the Redis door asks for: the database and the command in the path, the commands in the body.
import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../../messages/errors.ts';
import { type Json, parseJsonBody } from '../../../messages/json.ts';
import { checkUnicode } from '../../../messages/kv-keys.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import type { RequestContext } from '../../http/context.ts';

export type Command = readonly string[];

export interface Place {
  readonly database: string;
  /** What stands behind it, decoded: a command in its path form, `pipeline`, `multi-exec`, or nothing. */
  readonly words: readonly string[];
}

/** Query parameters that are the server's; all others are words of a command in the path form. */
const ownParameters = new Set(['timeout', 'table', 'create_db_if_missing', 'auto_create']);

/** `/upstash/{database}/{word}/{word}...`, from the path as it was sent: an encoded slash belongs to its word. */
export function placeOf({ request }: RequestContext): Place {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const [database = '', ...words] = path.slice('/upstash/'.length).split('/').map(decode);
  // A base URL that ends with a slash.
  return { database, words: words.length === 1 && words[0] === '' ? [] : words };
}

/** The words of a command in the path form: those of the path, then the body, then the query. */
export function pathCommand({ request }: RequestContext, words: readonly string[], body: Buffer): Command {
  const at = (request.url ?? '').indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : (request.url ?? '').slice(at + 1));
  const options = [...query].filter(([name]) => !ownParameters.has(name));
  const given = options.flatMap(([name, value]) => (value === '' ? [name] : [name, value]));
  return checked([...words, ...(body.length === 0 ? [] : [textOf(body)]), ...given]);
}

/** `["SET", "key", "value"]` @throws ApiError INVALID_PARAMETERS */
export function bodyCommand(body: Buffer): Command {
  return commandOf(parseJsonBody(body, 'INVALID_PARAMETERS'));
}

/** `[["SET", "key", "value"], ["GET", "key"]]` @throws ApiError INVALID_PARAMETERS, PAYLOAD_TOO_LARGE */
export function bodyCommands(body: Buffer): Command[] {
  const list = parseJsonBody(body, 'INVALID_PARAMETERS');
  if (!Array.isArray(list) || list.length === 0) throw invalid('the body must be a JSON array of commands');
  if (list.length > kvLimits.redisCommands) {
    throw new ApiError('PAYLOAD_TOO_LARGE', `one request has at most ${kvLimits.redisCommands} commands`);
  }
  return list.map(commandOf);
}

function commandOf(value: Json): Command {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid('a command must be a JSON array of its words, such as ["SET", "key", "value"]');
  }
  return checked(value.map(wordOf));
}

function wordOf(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw invalid('a word of the command is a number beyond what a double holds: send it as a text');
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw invalid('a word of a command must be a text, a number or a boolean');
}

function checked(command: Command): Command {
  for (const word of command) checkUnicode(word, 'a word of the command');
  return command;
}

function textOf(body: Buffer): string {
  if (isUtf8(body)) return body.toString();
  throw invalid('the body is a word of the command, and not valid UTF-8: PUT /api/v1/sqlite/kv/{key} stores any bytes');
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the path is not valid percent-encoded UTF-8', { cause });
  }
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
