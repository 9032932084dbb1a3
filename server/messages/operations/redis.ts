// Commands of Redis on the values of a KV table. executor/kv/redis/ does them.
import { declare } from '../operation.ts';
import type { Reply } from '../reply.ts';

export interface RedisArgs {
  readonly table: string;
  readonly clientIp: string;
  /** Known commands (`redisCommands`) with as many words as each takes. Run in their order. */
  readonly commands: readonly (readonly string[])[];
  /** Strings of the answers are sent as base64. */
  readonly isBase64: boolean;
}

/**
 * The body is the items `{"result": ...}` and `{"error": "..."}`, one for each command, with commas between them. A
 * command that fails changes nothing; the others stand.
 */
export const redis = {
  read: declare<RedisArgs, Reply>('redis.read', 'kv-read'),
  scan: declare<RedisArgs, Reply>('redis.scan', 'kv-scan'),
  write: declare<RedisArgs, Reply>('redis.write', 'kv-write'),
} as const;
