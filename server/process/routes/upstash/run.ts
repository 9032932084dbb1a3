// Sends commands to executors: those that only read to the lanes of reads, the others in one transaction after the
// other, in the order of the request.
import { ApiError, toApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { kvKeys } from '../../../messages/operations/kv-keys.ts';
import { redis } from '../../../messages/operations/redis.ts';
import { type RedisCommandKind, redisCommand, redisCommandProblem } from '../../../messages/redis-commands.ts';
import type { RequestContext } from '../../http/context.ts';
import type { RunOptions, Services } from '../../services.ts';
import { defaultTable } from '../kv-parameters.ts';
import type { Command } from './requests.ts';

/** Where commands go, and how their strings come back. */
export interface Door {
  readonly context: RequestContext;
  readonly services: Services;
  readonly database: string;
}

const sizes: Readonly<Record<RedisCommandKind, number>> = { read: 0, scan: 1, write: 2 };

/** What keeps a command from being run at all, or null. */
export function problemOf({ context }: Door, command: Command): string | null {
  const problem = redisCommandProblem(command);
  if (problem !== null) return problem;
  const isWrite = redisCommand(command[0] ?? '')?.kind === 'write';
  if (!isWrite || context.access === 'full') return null;
  return `NOPERM this user has no permissions to run the '${command[0]?.toLowerCase()}' command`;
}

/**
 * Items of the answer, one for each command: `{"result": ...}` or `{"error": ...}`. Each command stands for itself.
 * What ends the request is told of every command that did not run, once one has.
 */
export async function runPipeline(door: Door, commands: readonly Command[]): Promise<string> {
  const items: string[] = [];
  let failure: ApiError | null = null;
  for (const step of stepsOf(door, commands)) {
    if (typeof step === 'string') items.push(errorItem(step));
    else if (failure !== null) items.push(...unrun(step, failure));
    else {
      try {
        items.push(isFlush(step) ? await flush(door, step) : await runTogether(door, step));
      } catch (error) {
        if (items.length === 0) throw error;
        failure = toApiError(error);
        items.push(...unrun(step, failure));
      }
    }
  }
  return items.join(',');
}

function unrun(step: readonly Command[], { code, message }: ApiError): string[] {
  return step.map(() => errorItem(`ERR ${message} (${code})`));
}

function errorItem(error: string): string {
  return JSON.stringify({ error });
}

/** Runs commands one after the other in one transaction, with nobody else's work between them. */
export async function runTogether(door: Door, commands: readonly Command[]): Promise<string> {
  const { context, services } = door;
  const operation = redis[kindOf(commands)];
  const args = {
    table: tableOf(context),
    clientIp: context.clientIp,
    commands,
    isBase64: /^base64$/i.test(String(context.headers['upstash-encoding'] ?? '')),
  };
  const { body } = await services.run(operation, context, args, optionsOf(door, commands));
  return typeof body === 'string' ? body : '';
}

/**
 * Neighbours that go into one job, or the error of a command that does not run. A scan goes alone, so that no writer
 * waits for it, and so does FLUSHDB.
 */
function stepsOf(door: Door, commands: readonly Command[]): (string | Command[])[] {
  const steps: (string | Command[])[] = [];
  let open: Command[] | null = null;
  for (const command of commands) {
    const problem = problemOf(door, command);
    const isAlone = kindOf([command]) === 'scan' || isFlush([command]);
    if (problem !== null || isAlone) {
      steps.push(problem ?? [command]);
      open = null;
      continue;
    }
    if (open === null || open.length === kvLimits.redisGroup) {
      open = [];
      steps.push(open);
    }
    open.push(command);
  }
  return steps;
}

/** The kind of the one that does most. */
function kindOf(commands: readonly Command[]): RedisCommandKind {
  const kinds = commands.map(([name = '']) => redisCommand(name)?.kind ?? 'read');
  return kinds.reduce((most, kind) => (sizes[kind] > sizes[most] ? kind : most), 'read');
}

function isFlush(commands: readonly Command[]): boolean {
  return commands.length === 1 && commands[0]?.[0]?.toLowerCase() === 'flushdb';
}

/** All keys, in transactions that are over soon. What the command says wrongly, its own function tells. */
async function flush(door: Door, commands: readonly Command[]): Promise<string> {
  const { context, services } = door;
  const limit = kvLimits.clearedKeys;
  const args = { table: tableOf(context), prefix: '', clientIp: context.clientIp, limit };
  const isPlain = commands[0]?.length === 1 || /^(a?sync)$/i.test(commands[0]?.[1] ?? '');
  for (let deleted = isPlain ? limit : 0; deleted === limit; ) {
    deleted = await services.run(kvKeys.clear, context, args, optionsOf(door, commands));
  }
  return await runTogether(door, commands);
}

function optionsOf({ context, services, database }: Door, commands: readonly Command[]): RunOptions {
  const target = { database: services.resolve(database) };
  if (kindOf(commands) !== 'write') return target;
  const shown = commands.map(([name = '', key = '']) => `${name.toUpperCase()} ${key}`.trim());
  return {
    ...target,
    create: context.createIfMissing(services.options.createOnWrite),
    record: { sql: `REDIS ${shown.join('; ')}`, isStatement: true, source: 'kv' },
  };
}

function tableOf(context: RequestContext): string {
  return context.query.has('table') ? context.query.text('table') : defaultTable;
}

/** @throws ApiError for the first command that would not begin: then none does, as with EXEC */
export function requireAll(door: Door, commands: readonly Command[]): void {
  for (const command of commands) {
    const problem = problemOf(door, command);
    if (problem === null) continue;
    if (problem.startsWith('NOPERM')) throw new ApiError('FORBIDDEN', problem);
    const message = `EXECABORT Transaction discarded because of previous errors: ${problem}`;
    throw new ApiError('INVALID_PARAMETERS', message);
  }
}
