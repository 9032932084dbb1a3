// JSON-RPC 2.0 as MCP uses it: what a message is, and what is answered. https://www.jsonrpc.org/specification
import type { ApiError, ErrorCode } from '../../../messages/errors.ts';
import { isObject, type Json, type JsonObject, stringifyJson } from '../../../messages/json.ts';
import { errorReply, type Reply } from '../../../messages/reply.ts';

export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** The server did not take the request: no token, a body that is too large, too much work. */
  refused: -32000,
  /** A header says something else than the body. */
  headerMismatch: -32020,
  unsupportedVersion: -32022,
} as const;

export type Id = string | number | bigint;

export interface Message {
  readonly method: string;
  readonly params: JsonObject;
  /** null: a notification, which is not answered. */
  readonly id: Id | null;
}

/** An error of the protocol. What a tool says of its own work is a result. */
export class RpcError extends Error {
  readonly code: number;
  /** Of HTTP, where the message stands alone in its request. */
  readonly status: number;
  readonly data: JsonObject | undefined;
  /** Of the message that it answers, as far as that could be read. */
  readonly id: Id | null;

  constructor(code: number, message: string, more: { status?: number; data?: JsonObject; id?: Id | null } = {}) {
    super(message);
    this.code = code;
    this.status = more.status ?? 200;
    this.data = more.data;
    this.id = more.id ?? null;
  }
}

/** null for an answer: this server asks nothing, so that there is nothing to do with it. @throws RpcError */
export function decodeMessage(json: Json): Message | null {
  if (!isObject(json)) throw invalid('a message must be a JSON object', null);
  const id = idOf(json.id);
  if (json.jsonrpc !== '2.0') throw invalid('"jsonrpc" must be "2.0"', id ?? null);
  if (id === undefined) throw invalid('"id" must be a string or an integer', null);
  const { method, params = {} } = json;
  if (method === undefined && (json.result !== undefined || json.error !== undefined)) return null;
  if (typeof method !== 'string') throw invalid('"method" must be a string', id);
  if (!isObject(params)) throw new RpcError(rpcCodes.invalidParams, '"params" must be a JSON object', { id });
  return { method, params, id };
}

/** null where there is none, undefined for what is none. */
function idOf(json: Json | undefined): Id | null | undefined {
  if (json === undefined) return null;
  if (typeof json === 'string' || typeof json === 'bigint') return json;
  return typeof json === 'number' && Number.isFinite(json) ? json : undefined;
}

function invalid(message: string, id: Id | null): RpcError {
  return new RpcError(rpcCodes.invalidRequest, message, { status: 400, id });
}

/** `result`: JSON text. */
export function resultText(id: Id, result: string): string {
  return `{"jsonrpc":"2.0","id":${stringifyJson(id)},"result":${result}}`;
}

export function errorText({ code, message, data, id }: RpcError): string {
  return stringifyJson({ jsonrpc: '2.0', id, error: { code, message, data } });
}

/** The status of HTTP says once more what kind of error it is, as everywhere in this API. */
export function rpcErrorReply(error: RpcError): Reply {
  if (error.status < 400) return { status: error.status, body: errorText(error) };
  const code: ErrorCode = error.status === 404 ? 'NOT_FOUND' : 'INVALID_PARAMETERS';
  return { status: error.status, body: errorText(error), headers: { 'x-hoody-error-code': code } };
}

/** What keeps a request from being read at all. */
export function refusalReply(error: ApiError): Reply {
  const code = error.code === 'INTERNAL_ERROR' ? rpcCodes.internalError : rpcCodes.refused;
  const refusal = new RpcError(code, error.message, { data: { code: error.code } });
  return { ...errorReply(error), body: errorText(refusal) };
}
