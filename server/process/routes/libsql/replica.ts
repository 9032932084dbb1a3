// Embedded replicas: a libSQL client keeps a copy of the database, and brings it up to date by these requests. A write
// of it is a pipeline.
import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { ApiError, type ErrorCode } from '../../../messages/errors.ts';
import { libsql } from '../../../messages/operations/libsql.ts';
import type { Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route, StreamReply } from '../../http/route.ts';
import { integer, object, optional, type Schema, text } from '../../http/schema.ts';
import { asTransfer, countUntilClosed } from '../../http/transfers.ts';
import { frameBytes, markWal } from '../../replicas/frames.ts';
import type { Services } from '../../services.ts';
import { archiveErrors } from '../../time-machine/archive.ts';
import { databaseErrors } from '../parameters.ts';
import { libsqlErrorReply } from './errors.ts';
import { databaseOf } from './name.ts';

const bytes: Schema = { description: 'Bytes.' };
const chunkBytes = 256 * 1024;
/** Of new frames in one sync: beside programs that write all the time, a client would never be done. */
const mostLooks = 4;
/** What a connection was given last. Its next request is of the same sync if it goes on there. */
const syncs = new WeakMap<Socket, { readonly path: string; readonly at: string; readonly looks: number }>();
const errors: readonly ErrorCode[] = [...databaseErrors, ...archiveErrors, 'NOT_FOUND', 'CONFLICT'];
const common = {
  method: 'GET',
  tag: 'libsql',
  access: 'read',
  query: [],
  errorReply: libsqlErrorReply,
  errorSchema: object({ message: text, code: text, generation: optional(integer) }),
} as const;

export const replicaRoutes: readonly Route[] = [
  {
    ...common,
    path: '/libsql/{key}/info',
    name: 'libsqlReplicaInfo',
    summary: 'The generation that a new embedded replica begins with',
    replies: { 200: { description: 'Its number.', schema: object({ current_generation: integer }) } },
    errors,
    handle: info,
  },
  {
    ...common,
    path: '/libsql/{key}/export/{generation}',
    name: 'libsqlReplicaExport',
    summary: 'The database as it was when a generation began',
    replies: {
      200: { description: 'A database file in WAL mode.', contentType: 'application/vnd.sqlite3', schema: bytes },
    },
    errors,
    handle: exportBase,
  },
  {
    ...common,
    path: '/libsql/{key}/sync/{generation}/{from}/{to}',
    name: 'libsqlReplicaSync',
    summary: 'Frames of a generation: number `from` (from 1 on) and those behind it, before `to`',
    replies: {
      200: {
        description: 'Frames of 4,120 bytes. Of their headers, page number and database size are filled in.',
        contentType: 'application/octet-stream',
        schema: bytes,
      },
    },
    errors: [...errors, 'NO_MORE_FRAMES'],
    handle: sync,
  },
];

async function info(context: RequestContext, services: Services): Promise<Reply> {
  const target = databaseOf(context, services);
  // Whether it is a database, only an executor may see.
  const args = { body: Buffer.from('{"requests":[]}'), form: 'pipeline', clientIp: context.clientIp } as const;
  await services.run(libsql.readingStream, context, { ...args, readOnly: true }, { database: target });
  const generation = await services.replicas.generation(target, context.deadlineMs);
  return { status: 200, contentType: 'application/json', body: JSON.stringify({ current_generation: generation }) };
}

function exportBase(context: RequestContext, services: Services): Promise<StreamReply> {
  const target = databaseOf(context, services);
  const { generation = 0 } = context.numbers;
  return asTransfer(() =>
    services.replicas.withBase(target, generation, deadlineOf(context), async (path) => {
      const file = await open(path, 'r');
      const { size } = await file.stat();
      const body = Readable.from(walImage(file));
      countUntilClosed(body);
      body.once('close', () => void file.close());
      const headers = { 'Content-Length': String(size) };
      return { status: 200, body, contentType: 'application/vnd.sqlite3', headers };
    }),
  );
}

/** A state of a large database takes a while to make, and clients wait for it. */
function deadlineOf(context: RequestContext): number {
  return context.renewed().deadlineMs;
}

async function* walImage(file: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, at);
    if (bytesRead === 0) return;
    if (at === 0) markWal(chunk, 0);
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function sync(context: RequestContext, services: Services): Promise<Reply> {
  const target = databaseOf(context, services);
  const { generation = 0, from = 0, to = 0 } = context.numbers;
  if (from < 1 || to <= from) {
    throw new ApiError('INVALID_PARAMETERS', 'frames are counted from 1, and the last number lies behind them');
  }
  const { socket } = context.request;
  const before = syncs.get(socket);
  const looks = before?.path === target.path && before.at === `${generation}/${from}` ? before.looks : 0;
  syncs.delete(socket);
  const asked = { generation, next: from, end: to, isSated: looks >= mostLooks };
  const given = await services.replicas.frames(target, asked, deadlineOf(context));
  if ('frames' in given) {
    const at = `${generation}/${from + given.frames.length / frameBytes}`;
    syncs.set(socket, { path: target.path, at, looks: given.isNew ? looks + 1 : looks });
    return { status: 200, contentType: 'application/octet-stream', body: given.frames };
  }
  const text = 'there are no more frames of this generation for now';
  throw new ApiError('NO_MORE_FRAMES', text, { members: { generation: given.generation } });
}
