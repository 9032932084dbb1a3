// How a command asks the running daemon about the past of databases: the server does the work, as for HTTP; the
// question goes over the control socket, so that no address and no token is needed.
import { relative } from 'node:path';
import type { ArchiveAnswer, ArchiveQuestion } from '../../fs/index.ts';
import { parseAt, type ServerAnswer, type ServerRequest } from '../../server/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { connectToDaemon, type DaemonConnection } from '../control/client.ts';
import { databasePath } from '../databases/name.ts';
import { CommandError, exitCodes, messageOf, usageError } from '../errors.ts';

export interface Past {
  /** The path by which clients open the database that `name` means. */
  path(name: string): string;
  /** That path below the root. */
  nameBelow(name: string): string;
  /** `route`: what follows /api/v1/sqlite/. An answer that is no JSON is its text. @throws CommandError */
  ask<Answer>(method: 'GET' | 'POST', route: string, parameters: Parameters): Promise<Answer>;
  /** @throws CommandError */
  archive<Value>(question: ArchiveQuestion): Promise<Value>;
}

/** undefined leaves a parameter out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** The longest deadline that a request can have. */
const timeoutSeconds = 300;

export async function withPast<Result>(
  input: CommandInput,
  use: (past: Past, daemon: DaemonConnection) => Promise<Result>,
): Promise<Result> {
  const daemon = await connectToDaemon(input);
  try {
    return await use(pastOf(daemon), daemon);
  } finally {
    daemon.close();
  }
}

/** Asks over a connection that is there. */
export function pastOf(daemon: DaemonConnection): Past {
  const root = daemon.roots[0] ?? daemon.data;
  const path = (name: string) => databasePath(name, root);
  return {
    path,
    nameBelow: (name) => relative(root, path(name)),
    async ask<Answer>(method: 'GET' | 'POST', route: string, parameters: Parameters) {
      const query = queryOf({ ...parameters, timeout: String(timeoutSeconds) });
      const target = `/api/v1/sqlite/${route}?${query}`;
      const request: ServerRequest = { method, target, timeoutMs: timeoutSeconds * 1000 };
      const answer = (await daemon.ask('request', request)) as ServerAnswer;
      const body: unknown = /\bjson\b/.test(answer.contentType) ? JSON.parse(answer.body) : answer.body;
      if (answer.status >= 400) throw new CommandError(exitCodes.failed, errorOf(body, answer.status));
      return body as Answer;
    },
    async archive<Value>(question: ArchiveQuestion) {
      const answer = (await daemon.ask('archive', question)) as ArchiveAnswer<Value>;
      if (!answer.ok) throw new CommandError(exitCodes.failed, answer.message);
      return answer.value;
    },
  };
}

function errorOf(body: unknown, status: number): string {
  const message = (body as { readonly error?: unknown } | null)?.error;
  return typeof message === 'string' ? message : `the server answers with status ${status}`;
}

function queryOf(parameters: Parameters): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(given).toString();
}

/** As the server takes it: a bookmark, `now` or epoch seconds. @throws CommandError; `where` begins its message */
export function momentParameter(text: string, where: string): string {
  const at = readMoment(text, where);
  if ('bookmark' in at) return at.bookmark;
  return 'timeMs' in at ? String(at.timeMs / 1000) : 'now';
}

/** Milliseconds since 1970. @throws CommandError for a bookmark too */
export function timeOf(text: string, where: string): number {
  const at = readMoment(text, where);
  if ('timeMs' in at) return at.timeMs;
  if ('head' in at) return Date.now();
  throw usageError(`${where}: a time is needed, no bookmark`);
}

function readMoment(text: string, where: string): ReturnType<typeof parseAt> {
  try {
    return parseAt(text);
  } catch (error) {
    throw usageError(`${where}: ${messageOf(error)}`);
  }
}

/** Of the flags --at TIME and --to BOOKMARK, of which there must be one. @throws CommandError */
export function momentFlag({ values }: CommandInput): string {
  const [at, to] = [values.get('at'), values.get('to')];
  if (at !== undefined && to !== undefined) throw usageError('--at and --to are both given', 'name one moment');
  if (at !== undefined) return momentParameter(at, '--at');
  if (to !== undefined) return momentParameter(to, '--to');
  throw usageError('no moment is named', 'give --at "10 minutes ago", --at TIME or --to BOOKMARK of the history');
}
