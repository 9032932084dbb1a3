// Random commands of Redis on few keys, so that they meet: right ones, wrong types, wrong numbers of words, odd
// numbers.
import fc from 'fast-check';

const key = fc.constantFrom('a', 'b', 'c', 'user:1', 'user:2');
const member = fc.constantFrom('x', 'y', 'z', '1', '{"a":1}');
const value = fc.oneof(
  fc.constantFrom('x', '', '10', '-3', '9223372036854775807', '1.5', '["x"]', '{"x":"1"}', 'caf\u00e9', 'true'),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const count = fc.oneof(fc.integer({ min: -4, max: 4 }).map(String), fc.constantFrom('x', '9223372036854775808', '1.0'));
const float = fc.constantFrom('1', '0.1', '-0.25', '1e2', 'x', '3.000');
/** Long enough to be there at the next command. */
const ms = fc.constantFrom('10000', '99999', '120000', '0', '-5', 'x');
const seconds = fc.constantFrom('100', '200', '0', '-1', 'x');

const words = (name: string, ...parts: readonly fc.Arbitrary<string | readonly string[]>[]) =>
  fc.tuple(...parts).map((given) => [name, ...given.flat()]);
const many = (part: fc.Arbitrary<string>) => fc.array(part, { minLength: 1, maxLength: 3 });
const maybe = (part: fc.Arbitrary<string | readonly string[]>) => fc.oneof(fc.constant<readonly string[]>([]), part);
const pairs = (one: fc.Arbitrary<string>, other: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(one, other), { minLength: 1, maxLength: 3 }).map((list) => list.flat());

const setOptions = fc
  .array(
    fc.oneof(
      fc.constantFrom(['nx'], ['XX'], ['get'], ['keepttl'], ['foo']),
      ms.map((time) => ['px', time]),
      seconds.map((time) => ['EX', time]),
    ),
    { maxLength: 2 },
  )
  .map((list) => list.flat());
const expireOption = maybe(fc.constantFrom('nx', 'xx', 'gt', 'lt', 'foo'));

const strings = [
  words('set', key, value, setOptions),
  words('set', key, value),
  words('setnx', key, value),
  words('setex', key, seconds, value),
  words('psetex', key, ms, value),
  words('get', key),
  words('getset', key, value),
  words('getdel', key),
  words(
    'getex',
    key,
    maybe(
      fc.oneof(
        fc.constant(['persist']),
        ms.map((time) => ['px', time]),
      ),
    ),
  ),
  words('mget', many(key)),
  words('mset', pairs(key, value)),
  words('msetnx', pairs(key, value)),
  words('append', key, value),
  words('strlen', key),
  words('getrange', key, count, count),
  words('incr', key),
  words('decr', key),
  words('incrby', key, count),
  words('decrby', key, count),
  words('incrbyfloat', key, float),
];
const keys = [
  words('del', many(key)),
  words('unlink', many(key)),
  words('exists', many(key)),
  words('type', key),
  words('ttl', key),
  words('persist', key),
  words('expire', key, seconds, expireOption),
  words('pexpire', key, ms, expireOption),
  words('rename', key, key),
  words('renamenx', key, key),
  words('keys', fc.constantFrom('*', 'user:*', '[ab]', '[^a]', '?')),
  words('dbsize'),
];
const lists = [
  words('lpush', key, many(member)),
  words('rpush', key, many(member)),
  words('lpushx', key, member),
  words('rpushx', key, member),
  words('lpop', key, maybe(count)),
  words('rpop', key, maybe(count)),
  words('llen', key),
  words('lindex', key, count),
  words('lrange', key, count, count),
  words('lset', key, count, member),
  words('lrem', key, count, member),
  words('ltrim', key, count, count),
];
const hashes = [
  words('hset', key, pairs(member, value)),
  words('hsetnx', key, member, value),
  words('hget', key, member),
  words('hmget', key, many(member)),
  words('hgetall', key),
  words('hdel', key, many(member)),
  words('hincrby', key, member, count),
  words('hincrbyfloat', key, member, float),
  words('hexists', key, member),
  words('hkeys', key),
  words('hvals', key),
  words('hlen', key),
];
const sets = [
  words('sadd', key, many(member)),
  words('srem', key, many(member)),
  words('smembers', key),
  words('sismember', key, member),
  words('smismember', key, many(member)),
  words('scard', key),
];

const command = fc.oneof(...strings, ...keys, ...lists, ...hashes, ...sets);

/** Commands that are sent one after the other to an empty database. */
export const sequences = fc.array(command, { minLength: 10, maxLength: 30, size: 'max' });

/** Redis keeps sets, hashes and keys in an order of its own. */
export function ordered(name: string, answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  if (name === 'hgetall') {
    const pairsOf = answer.flatMap((field, at) => (at % 2 === 0 ? [`${field}\0${answer[at + 1]}`] : []));
    return pairsOf.sort();
  }
  return ['smembers', 'hkeys', 'hvals', 'keys'].includes(name) ? [...answer].sort() : answer;
}
