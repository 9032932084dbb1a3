// The two eras of MCP. Until 2025-11-25 a client begins with `initialize`; from 2026-07-28 on each request says in
// `_meta` who asks, and by which version. https://modelcontextprotocol.io/specification
import { isObject, type Json, type JsonObject } from '../../../messages/json.ts';
import { wellFormed } from '../../../messages/unicode.ts';
import type { RequestContext } from '../../http/context.ts';
import { type Message, RpcError, rpcCodes } from './json-rpc.ts';

export const modernVersions = ['2026-07-28'];
const newestWithSessions = '2025-11-25';
export const sessionVersions = [newestWithSessions, '2025-06-18', '2025-03-26', '2024-11-05'];
const firstModern = '2026-07-28';
/** From here on a request is one message. */
const firstWithoutBatches = '2025-06-18';

const metaPrefix = 'io.modelcontextprotocol/';
export const serverInfoKey = `${metaPrefix}serverInfo`;
const nameChars = 64;
const sessionPrefix = 'hoody.';

export interface Envelope {
  readonly isModern: boolean;
  /** As the client calls itself. */
  readonly clientName: string;
}

/** Who asks, and by which era. @throws RpcError where the message and its headers do not fit together */
export function envelopeOf(context: RequestContext, message: Message): Envelope {
  const { method, params } = message;
  const meta = params._meta !== undefined && isObject(params._meta) ? params._meta : {};
  const header = headerOf(context, 'mcp-protocol-version');
  const version = meta[`${metaPrefix}protocolVersion`];
  if (version === undefined) {
    if (method === 'server/discover' || isModernDate(header)) throw missingMember('protocolVersion', message, header);
    if (method !== 'initialize' && header !== undefined && !isDate(header)) throw unsupported(header, message);
    const info = method === 'initialize' ? params.clientInfo : undefined;
    return { isModern: false, clientName: nameOf(info) ?? sessionName(context) ?? 'unknown' };
  }
  if (typeof version !== 'string') throw missingMember('protocolVersion', message, undefined);
  checkHeader('MCP-Protocol-Version', header, version, message);
  if (!modernVersions.includes(version)) throw unsupported(version, message);
  if (!isObject(meta[`${metaPrefix}clientCapabilities`] ?? null)) {
    throw missingMember('clientCapabilities', message, undefined);
  }
  checkHeader('Mcp-Method', headerOf(context, 'mcp-method'), method, message);
  const { name } = params;
  if (method === 'tools/call' && typeof name === 'string') {
    checkHeader('Mcp-Name', decodedHeader(headerOf(context, 'mcp-name')), name, message);
  }
  return { isModern: true, clientName: nameOf(meta[`${metaPrefix}clientInfo`]) ?? 'unknown' };
}

/** The version that both speak. @throws RpcError */
export function negotiated({ params, id }: Message): string {
  const { protocolVersion } = params;
  if (typeof protocolVersion !== 'string') {
    throw new RpcError(rpcCodes.invalidParams, '"params.protocolVersion" must be a string', { id });
  }
  return sessionVersions.includes(protocolVersion) ? protocolVersion : newestWithSessions;
}

/** Whether a client that says this version, or none, may send several messages at once. */
export function mayBatch(context: RequestContext): boolean {
  const version = headerOf(context, 'mcp-protocol-version');
  return version === undefined || version < firstWithoutBatches;
}

/**
 * The session id of a client that has said its name once, in `initialize`: it is the name itself, so that the history
 * can tell it, and the server keeps nothing. It allows nothing.
 */
export function sessionIdFor(clientName: string): string {
  return sessionPrefix + Buffer.from(clientName).toString('base64url');
}

function sessionName(context: RequestContext): string | null {
  const id = headerOf(context, 'mcp-session-id');
  if (id === undefined || !id.startsWith(sessionPrefix)) return null;
  return cleanName(Buffer.from(id.slice(sessionPrefix.length), 'base64url').toString());
}

function nameOf(info: Json | undefined): string | null {
  return info !== undefined && isObject(info) && typeof info.name === 'string' ? cleanName(info.name) : null;
}

/** It stands in histories, beside names of programs. */
function cleanName(text: string): string | null {
  const name = wellFormed(text.slice(0, 4 * nameChars))
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return name === '' ? null : wellFormed(name.slice(0, nameChars));
}

function headerOf(context: RequestContext, name: string): string | undefined {
  const value = context.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** What no header can hold as it is stands there as base64. */
function decodedHeader(value: string | undefined): string | undefined {
  const packed = /^=\?base64\?(.*)\?=$/.exec(value ?? '')?.[1];
  return packed === undefined ? value : Buffer.from(packed, 'base64').toString();
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text);
}

function isModernDate(text: string | undefined): boolean {
  return text !== undefined && isDate(text) && text >= firstModern;
}

function checkHeader(name: string, header: string | undefined, inBody: string, { id }: Message): void {
  if (header === undefined || header === inBody) return;
  const message = `the header ${name} is not what the message says: ${inBody}`;
  throw new RpcError(rpcCodes.headerMismatch, message, { status: 400, id });
}

function missingMember(member: string, message: Message, header: string | undefined): RpcError {
  if (header !== undefined && isModernDate(header) && !modernVersions.includes(header)) {
    return unsupported(header, message);
  }
  const text = `"params._meta" must have "${metaPrefix}${member}"`;
  return new RpcError(rpcCodes.invalidParams, text, { status: 400, id: message.id });
}

function unsupported(requested: string, { id }: Message): RpcError {
  const data: JsonObject = { supported: [...modernVersions, ...sessionVersions], requested };
  const message = `the protocol version ${JSON.stringify(requested)} is not supported`;
  return new RpcError(rpcCodes.unsupportedVersion, message, { status: 400, data, id });
}
