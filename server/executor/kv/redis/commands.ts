// Which function does which command, and how a list of commands is run.
import { ApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { type RedisArgs, redis } from '../../../messages/operations/redis.ts';
import { type RedisCommandName, redisCommand } from '../../../messages/redis-commands.ts';
import { checkSize, type Reply } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { jobToApiError } from '../../sql/sqlite-errors.ts';
import { runWrite } from '../store/request.ts';
import { findTable } from '../table/table.ts';
import { errorItem, type RedisAnswer, resultItem } from './answers.ts';
import * as hashes from './hashes.ts';
import * as keys from './keys.ts';
import * as lists from './lists.ts';
import { type Call, Session } from './session.ts';
import * as sets from './sets.ts';
import * as strings from './strings.ts';
import { RedisError } from './values.ts';

type Run = (session: Session, call: Call) => RedisAnswer;

const ping: Run = (_, { name, words: [message, ...more] }) => {
  if (more.length > 0) throw new RedisError(`ERR wrong number of arguments for '${name}' command`);
  return message ?? 'PONG';
};

const commands: Readonly<Record<RedisCommandName, Run>> = {
  ping,
  echo: (_, { words: [message = ''] }) => message,

  get: strings.get,
  mget: strings.mget,
  strlen: strings.strlen,
  getrange: strings.getrange,
  set: strings.set,
  setnx: strings.setnx,
  setex: strings.setWithTime('EX'),
  psetex: strings.setWithTime('PX'),
  getset: strings.getset,
  getdel: strings.getdel,
  getex: strings.getex,
  mset: strings.mset,
  msetnx: strings.msetnx,
  append: strings.append,
  incr: strings.increment(1n),
  decr: strings.increment(-1n),
  incrby: strings.increment(1n),
  decrby: strings.increment(-1n),
  incrbyfloat: strings.incrbyfloat,

  exists: keys.exists,
  type: keys.type,
  ttl: keys.timeLeft('seconds'),
  pttl: keys.timeLeft('milliseconds'),
  keys: keys.keys,
  scan: keys.scan,
  dbsize: keys.dbsize,
  del: keys.del,
  unlink: keys.del,
  rename: keys.rename(false),
  renamenx: keys.rename(true),
  expire: keys.expire('EX'),
  pexpire: keys.expire('PX'),
  expireat: keys.expire('EXAT'),
  pexpireat: keys.expire('PXAT'),
  persist: keys.persist,
  flushdb: keys.flushdb,

  llen: lists.llen,
  lindex: lists.lindex,
  lrange: lists.lrange,
  lpush: lists.push('left', false),
  rpush: lists.push('right', false),
  lpushx: lists.push('left', true),
  rpushx: lists.push('right', true),
  lpop: lists.pop('left'),
  rpop: lists.pop('right'),
  lset: lists.lset,
  lrem: lists.lrem,
  ltrim: lists.ltrim,

  hget: hashes.hget,
  hmget: hashes.hmget,
  hgetall: hashes.hgetall,
  hexists: hashes.hexists,
  hkeys: hashes.hkeys,
  hvals: hashes.hvals,
  hlen: hashes.hlen,
  hscan: hashes.hscan,
  hset: hashes.hset(false),
  hmset: hashes.hset(true),
  hsetnx: hashes.hsetnx,
  hdel: hashes.hdel,
  hincrby: hashes.hincrby,
  hincrbyfloat: hashes.hincrbyfloat,

  smembers: sets.smembers,
  sismember: sets.sismember,
  smismember: sets.smismember,
  scard: sets.scard,
  sscan: sets.sscan,
  sadd: sets.sadd,
  srem: sets.srem,
};

export const redisRead = implement(redis.read, (connection, args) => reading(connection, args));
export const redisScan = implement(redis.scan, (connection, args) => reading(connection, args));

export const redisWrite = implement(redis.write, (connection, args) =>
  runWrite(connection, { table: args.table, history: true, clientIp: args.clientIp }, (writer) =>
    runAll(new Session(connection, writer.table, writer), args, (run) => inSavepoint(connection, run)),
  ),
);

function reading(connection: Connection, args: RedisArgs): Reply {
  return runAll(new Session(connection, findTable(connection, args.table), null), args, (run) => run());
}

/** `guarded` undoes what a command has written that fails. */
function runAll(session: Session, args: RedisArgs, guarded: (run: () => RedisAnswer) => RedisAnswer): Reply {
  const items: string[] = [];
  let bytes = 0;
  for (const command of args.commands) {
    const item = itemOf(session, command, args.isBase64, guarded);
    bytes += Buffer.byteLength(item) + 1;
    checkSize(bytes, limits.responseBytes);
    items.push(item);
  }
  return { status: 200, body: items.join(','), contentType: 'text/plain' };
}

function itemOf(
  session: Session,
  [word = '', ...words]: readonly string[],
  isBase64: boolean,
  guarded: (run: () => RedisAnswer) => RedisAnswer,
): string {
  const name = redisCommand(word)?.name;
  if (name === undefined) throw new ApiError('INTERNAL_ERROR', `no command ${word}`);
  try {
    return resultItem(
      guarded(() => commands[name](session, { name, words })),
      isBase64,
    );
  } catch (error) {
    const message = messageOf(error);
    if (message === null || !session.connection.database.inTransaction) throw error;
    return errorItem(message);
  }
}

/** What the command itself is told; null for what concerns the whole request. */
function messageOf(error: unknown): string | null {
  if (error instanceof RedisError) return error.message;
  const { code, message } = jobToApiError(error);
  const isOwn = code === 'INVALID_PARAMETERS' || code === 'CONFLICT' || code === 'SQL_CONSTRAINT';
  return isOwn ? `ERR ${message}` : null;
}

function inSavepoint({ database, statement }: Connection, run: () => RedisAnswer): RedisAnswer {
  statement('SAVEPOINT redis').run();
  try {
    const answer = run();
    statement('RELEASE redis').run();
    return answer;
  } catch (error) {
    // A trigger may have ended the whole transaction.
    if (database.inTransaction) {
      statement('ROLLBACK TO redis').run();
      statement('RELEASE redis').run();
    } else throw new ApiError('CONFLICT', 'a trigger of the table has ended the transaction', { cause: error });
    throw error;
  }
}
