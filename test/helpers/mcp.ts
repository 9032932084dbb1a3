// What tests of the MCP door share: who they are, what the clients of both eras have in common, the names of the tools,
// and messages that no client would send.
import { request } from './http.ts';

export interface ToolAnswer {
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
  readonly content: readonly { readonly text: string }[];
}
export interface ListedTool {
  readonly name: string;
  readonly annotations?: { readonly readOnlyHint?: boolean | undefined } | undefined;
  readonly inputSchema?: { readonly properties?: Readonly<Record<string, unknown>> | undefined };
}
export interface AnyClient {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listTools(): Promise<{ tools: ListedTool[] }>;
  close(): Promise<void>;
}

export const identity = { name: 'agent-of-test', version: '1.0.0' };

export const readingTools = [
  'list_databases',
  'schema',
  'query',
  'kv_get',
  'kv_list',
  'kv_history',
  'rollback_preview',
  'changes',
  'locks',
  'database_history',
  'rewind_preview',
];
export const writingTools = ['execute', 'kv_set', 'kv_delete', 'rollback', 'rewind'];

/** A message; `id` may be anything. */
export const call = (method: string, params?: object, id: unknown = 1) => ({ jsonrpc: '2.0', id, method, params });

/** Sends a text as it is, and all else as JSON. */
export function postTo(address: URL, body: unknown, headers = {}) {
  return request(String(address), 'POST', { body: typeof body === 'string' ? body : JSON.stringify(body), headers });
}
