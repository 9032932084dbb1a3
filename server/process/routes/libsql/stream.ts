// A request of a libSQL stream, however it came: to any executor where it is complete in itself, to a session where a
// transaction goes on.
import { ApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { libsql, type StoredText, type StreamAnswer, type StreamArgs } from '../../../messages/operations/libsql.ts';
import type { HistoryEntry } from '../../../messages/operations/query-history.ts';
import type { DatabaseTarget } from '../../../messages/paths.ts';
import { bodyMayLeaveWal, bodySeemsToRead } from '../../../messages/sql-reading.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Services } from '../../services.ts';

export interface StreamRequest {
  readonly target: DatabaseTarget;
  readonly body: Buffer;
  readonly form: StreamArgs['form'];
  /** null: no transaction is open. */
  readonly baton: string | null;
  readonly stored?: readonly StoredText[];
}

export interface StreamReply {
  readonly body: string;
  readonly baton: string | null;
}

/** @throws ApiError; the transaction, if there was one, has ended then */
export async function runStreamRequest(
  context: RequestContext,
  services: Services,
  request: StreamRequest,
): Promise<StreamReply> {
  const { target } = request;
  try {
    const { path } = target;
    const { texts } = services.sessions;
    const readOnly = isReadOnly(context);
    const stored = request.baton === null ? [] : texts.take(request.baton, path, readOnly);
    const answer =
      stored === null ? await goOn(context, services, request) : await begin(context, services, { ...request, stored });
    record(context, services, target, answer);
    return { body: answer.body, baton: answer.baton ?? texts.keep(path, readOnly, answer.stored) };
  } catch (error) {
    throw error instanceof ApiError ? await services.namingHolder(error, target) : error;
  }
}

async function begin(
  context: RequestContext,
  services: Services,
  request: StreamRequest,
): Promise<StreamAnswer & StreamReply> {
  const { target, body } = request;
  const args = argsOf(context, request);
  const { readOnly } = args;
  if (!staysOpen(body)) {
    const operation = readOnly || bodySeemsToRead(body) ? libsql.readingStream : libsql.stream;
    const answer = await services.run(operation, context, args, {
      database: target,
      create: mayCreate(context, services),
      alone: !readOnly && bodyMayLeaveWal(body),
    });
    if (answer === null) throw lostAnswer();
    if (!('needs' in answer)) return { ...answer, baton: null };
  }
  return await services.sessions.begin(sessionRequest(context, services, request));
}

async function goOn(
  context: RequestContext,
  services: Services,
  request: StreamRequest,
): Promise<StreamAnswer & StreamReply> {
  return await services.sessions.goOn(request.baton ?? '', sessionRequest(context, services, request));
}

function sessionRequest(context: RequestContext, services: Services, request: StreamRequest) {
  const { deadlineMs, isGone } = context;
  const args = argsOf(context, request);
  return { path: request.target.path, args, create: mayCreate(context, services), deadlineMs, isGone };
}

function argsOf(context: RequestContext, { body, form, stored = [] }: StreamRequest): StreamArgs {
  return { body, form, clientIp: context.clientIp, readOnly: isReadOnly(context), stored };
}

function isReadOnly({ access }: RequestContext): boolean {
  return access === 'read';
}

function mayCreate({ access }: RequestContext, { options }: Services): boolean {
  return options.createOnWrite && access !== 'read';
}

/** Quick, and wrong at times: whoever is asked first looks closer. */
function staysOpen(body: Buffer): boolean {
  const text = body.toString('latin1');
  return /"sql"\s*:\s*"\s*(?:BEGIN|SAVEPOINT)\b/i.test(text) && !/\b(?:COMMIT|END|RELEASE|ROLLBACK)\b/i.test(text);
}

function lostAnswer(): ApiError {
  const text = 'the work was interrupted after a COMMIT of this request; what came behind it may be missing';
  return new ApiError('SERVICE_UNAVAILABLE', text);
}

function record(
  { clientIp }: RequestContext,
  services: Services,
  target: DatabaseTarget,
  { records, wrote }: StreamAnswer,
): void {
  const timestampMs = Date.now();
  const entries = records.map(
    (one): HistoryEntry => ({
      ...one,
      sql: one.sql.slice(0, limits.queryHistorySqlChars),
      timestampMs,
      source: 'sql',
      clientIp,
    }),
  );
  services.record(target, entries, wrote);
}
