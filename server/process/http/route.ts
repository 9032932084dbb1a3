// The row type of the route table: one row is everything that is known about an endpoint. The router, the parameter
// decoder, the access check, the metrics and the OpenAPI description all read the same row.
import type { Readable } from 'node:stream';
import type { ApiError, ErrorCode } from '../../messages/errors.ts';
import type { Reply } from '../../messages/reply.ts';
import type { Services } from '../services.ts';
import type { RequestContext } from './context.ts';
import type { QueryParameter } from './query.ts';
import type { Schema } from './schema.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

/** A header of a request or of an answer. */
export interface Header {
  readonly name: string;
  readonly description: string;
  readonly type?: 'text' | 'integer';
}

export interface DescribedReply {
  readonly description: string;
  /** Of the JSON body, or of what `contentType` names; absent for no body. */
  readonly schema?: Schema;
  readonly contentType?: string;
  /** The reply may also be bytes of this content type. */
  readonly orBytes?: string;
  /** Those that may stand there; what every answer has is not repeated. */
  readonly headers?: readonly Header[];
}

export interface Route {
  readonly method: Method;
  /**
   * Path template. `{key}` stands for one percent-encoded key that may contain slashes. Slots of other names, behind
   * it, stand for whole numbers.
   */
  readonly path: string;
  /** A stable camelCase name: operationId of OpenAPI, `route` label of the metrics. */
  readonly name: string;
  readonly summary: string;
  readonly tag: 'database' | 'sql' | 'kv' | 'history' | 'changes' | 'studio' | 'libsql' | 'mcp' | 'system';
  /** What a `read` token may call. */
  readonly access: 'open' | 'read' | 'write';
  readonly query: readonly QueryParameter[];
  /** Request headers that mean something here. */
  readonly headers?: readonly Header[];
  /** Absent: the route reads no body. `optional`: an empty body is fine. */
  readonly body?: {
    readonly description: string;
    readonly optional?: boolean;
    /** Absent: the bytes are taken as they are. */
    readonly schema?: Schema;
  };
  /** Status -> what it means. Errors stand in `errors`, and here only where this route answers one in its own way. */
  readonly replies: Readonly<Record<number, DescribedReply>>;
  /** Its answers name the commit, where commits are kept. `members`: in the body as well. */
  readonly commits?: 'headers' | 'members';
  readonly errors: readonly ErrorCode[];
  /** How its client is told of an error, where that protocol has a form of its own. */
  readonly errorReply?: (error: ApiError) => Reply;
  /** Of the body that `errorReply` makes. */
  readonly errorSchema?: Schema;
  /** It only tells its caller what is wrong with the address: no part of the description. */
  readonly isMistake?: true;
  readonly handle: (context: RequestContext, services: Services) => Promise<Reply | StreamReply> | Reply;
}

/** A reply that goes on, such as server-sent events. */
export interface StreamReply extends Omit<Reply, 'body'> {
  readonly body: Readable;
}
