// The commands of Redis that are understood: how many words each takes, and what it does to a database. The server
// process decides by this table, before any executor sees a command. https://redis.io/docs/latest/commands/

/** `read` looks at few keys, `scan` perhaps at all of them. */
export type RedisCommandKind = 'read' | 'scan' | 'write';

export interface RedisCommand {
  /** Words with the command's own name: exactly so many, or, where negative, at least. */
  readonly arity: number;
  readonly kind: RedisCommandKind;
}

const read = (arity: number) => ({ arity, kind: 'read' }) as const;
const scan = (arity: number) => ({ arity, kind: 'scan' }) as const;
const write = (arity: number) => ({ arity, kind: 'write' }) as const;

export const redisCommands = {
  ping: read(-1),
  echo: read(2),
  get: read(2),
  mget: read(-2),
  strlen: read(2),
  getrange: read(4),
  exists: read(-2),
  type: read(2),
  ttl: read(2),
  pttl: read(2),
  keys: scan(2),
  scan: scan(-2),
  dbsize: scan(1),

  set: write(-3),
  setnx: write(3),
  setex: write(4),
  psetex: write(4),
  getset: write(3),
  getdel: write(2),
  getex: write(-2),
  mset: write(-3),
  msetnx: write(-3),
  append: write(3),
  incr: write(2),
  decr: write(2),
  incrby: write(3),
  decrby: write(3),
  incrbyfloat: write(3),
  del: write(-2),
  unlink: write(-2),
  rename: write(3),
  renamenx: write(3),
  expire: write(-3),
  pexpire: write(-3),
  expireat: write(-3),
  pexpireat: write(-3),
  persist: write(2),
  flushdb: write(-1),

  llen: read(2),
  lindex: read(3),
  lrange: read(4),
  lpush: write(-3),
  rpush: write(-3),
  lpushx: write(-3),
  rpushx: write(-3),
  lpop: write(-2),
  rpop: write(-2),
  lset: write(4),
  lrem: write(4),
  ltrim: write(4),

  hget: read(3),
  hmget: read(-3),
  hgetall: read(2),
  hexists: read(3),
  hkeys: read(2),
  hvals: read(2),
  hlen: read(2),
  hscan: read(-3),
  hset: write(-4),
  hmset: write(-4),
  hsetnx: write(4),
  hdel: write(-3),
  hincrby: write(4),
  hincrbyfloat: write(4),

  smembers: read(2),
  sismember: read(3),
  smismember: read(-3),
  scard: read(2),
  sscan: read(-3),
  sadd: write(-3),
  srem: write(-3),
} as const satisfies Readonly<Record<string, RedisCommand>>;

export type RedisCommandName = keyof typeof redisCommands;

/** `null` for a name that is not in the table; names ignore case. */
export function redisCommand(name: string): (RedisCommand & { readonly name: RedisCommandName }) | null {
  const lower = name.toLowerCase();
  if (!Object.hasOwn(redisCommands, lower)) return null;
  const known = lower as RedisCommandName;
  return { ...redisCommands[known], name: known };
}

/** Redis's own words for a command that it would not begin, or null. */
export function redisCommandProblem(words: readonly string[]): string | null {
  const [name = '', ...args] = words;
  const command = redisCommand(name);
  if (command === null) {
    const shown = args.map((arg) => `'${arg.slice(0, 128)}' `).join('');
    return `ERR unknown command '${name.slice(0, 128)}', with args beginning with: ${shown.slice(0, 128)}`;
  }
  const { arity } = command;
  const fits = arity >= 0 ? words.length === arity : words.length >= -arity;
  return fits ? null : `ERR wrong number of arguments for '${command.name}' command`;
}
