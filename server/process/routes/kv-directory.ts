// The key-value routes on a directory of files: reading, writing, deleting and listing keys. All else of the store is
// for databases.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../messages/errors.ts';
import { readJsonBody } from '../../messages/json.ts';
import { findAt, setAt } from '../../messages/json-edit.ts';
import { parsePath } from '../../messages/json-path.ts';
import { rootOf, textOf } from '../../messages/json-text.ts';
import { checkKey } from '../../messages/kv-keys.ts';
import { kvLimits } from '../../messages/kv-limits.ts';
import { limits } from '../../messages/limits.ts';
import { json, type Reply } from '../../messages/reply.ts';
import { contentTypeOf } from '../directories/content-types.ts';
import type { DirectoryStore, FoundFile } from '../directories/store.ts';
import type { RequestContext } from '../http/context.ts';
import type { Services } from '../services.ts';

/** A part of a JSON file is found and replaced by the server process itself: no more than it does at once. */
const jsonBytes = 1024 * 1024;

/** undefined: `db` is a database. Everything else is the answer. */
export async function onDirectory(
  context: RequestContext,
  services: Services,
  act: (store: DirectoryStore) => Promise<Reply>,
): Promise<Reply | undefined> {
  const name = context.query.text('db');
  if (services.directories.isDatabase(name)) return undefined;
  const opening = services.directories.open(name);
  const store = await inTime(context, opening).catch((error: unknown) => {
    void opening.then((late) => late?.close()).catch(() => {});
    throw error;
  });
  if (store === null) return undefined;
  try {
    refuseExtras(context);
  } catch (error) {
    await store.close();
    throw error;
  }
  // A disk that does not answer keeps the descriptor, not the client.
  const done = act(store).finally(() => store.close());
  try {
    return await inTime(context, done);
  } catch (error) {
    throw ofFiles(error);
  }
}

export async function getFile(context: RequestContext, services: Services, store: DirectoryStore): Promise<Reply> {
  if (context.query.boolean('rebuild')) store.forgetHashes();
  const key = checkKey(context.key);
  const path = context.query.raw('path') ?? '';
  const max = path === '' ? Math.max(services.options.maxBodyBytes, limits.responseBytes) : jsonBytes;
  const file = required(await store.read(key, max));
  if (path === '') {
    return { status: 200, headers: fileHeaders(key, file), body: file.bytes, contentType: contentTypeOf(key) };
  }
  const text = jsonOf(file.bytes);
  const found = findAt(text, parsePath(path));
  if (found === undefined) throw new ApiError('KEY_NOT_FOUND', 'the value of the key has nothing at this path');
  const { 'x-file-hash': _, ...headers } = fileHeaders(key, file);
  const shownPath = path.replace(/[^\x20-\x7e]/g, (character) => encodeURIComponent(character));
  return { status: 200, headers: { ...headers, 'x-json-path': shownPath }, body: textOf(text, found) };
}

export async function headFile(context: RequestContext, services: Services, store: DirectoryStore): Promise<Reply> {
  if ((context.query.raw('path') ?? '') !== '') return await getFile(context, services, store);
  if (context.query.boolean('rebuild')) store.forgetHashes();
  const key = checkKey(context.key);
  const file = required(await store.look(key, () => performance.now() > context.deadlineMs));
  const headers = { ...fileHeaders(key, file), 'content-length': String(file.stat.size) };
  return { status: 200, headers, body: null, contentType: contentTypeOf(key) };
}

export async function putFile(context: RequestContext, store: DirectoryStore): Promise<Reply> {
  if (context.query.integer('ttl') > 0) throw invalid('a file has no time to live: leave "ttl" out');
  if (context.query.has('if_match')) throw invalid('"if_match" does not apply to a directory');
  const key = checkKey(context.key);
  const path = context.query.raw('path') ?? '';
  const body = await context.body();
  const written = await store.edit(key, async (read) => (path === '' ? body : withPart(await read(), path, body)));
  return json({
    success: true,
    key,
    size: written.length,
    ...(path === '' ? {} : { path }),
    directory_mode: true,
    file_path: `${store.path === '/' ? '' : store.path}/${key}`,
  });
}

export async function deleteFile(context: RequestContext, store: DirectoryStore): Promise<Reply> {
  if (!(await store.delete(checkKey(context.key)))) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  return json({ success: true, deleted: true, directory_mode: true });
}

export async function listDirectory(context: RequestContext, store: DirectoryStore): Promise<Reply> {
  const { query } = context;
  const [offset, after] = [query.integer('offset'), query.text('after')];
  const limit = Math.min(query.integer('limit'), kvLimits.listMax);
  const all = await store.list(query.text('prefix'));
  const first =
    after === '' ? offset : all.findIndex((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
  const keys = first < 0 ? [] : all.slice(first, first + limit);
  const files = await store.stats(keys);
  const hasMore = limit > 0 && first >= 0 && first + limit < all.length;
  const items = files.map(({ key, stat }) => {
    const modified = Math.floor(Number(stat.mtimeMs) / 1000);
    return {
      key,
      content_type: contentTypeOf(key),
      size: Number(stat.size),
      created_at: modified,
      updated_at: modified,
    };
  });
  return json({
    success: true,
    items: items.length === 0 ? null : items,
    count: items.length,
    total: all.length,
    limit,
    offset,
    has_more: hasMore,
    next_after: hasMore ? keys.at(-1) : null,
    directory_mode: true,
  });
}

/** The times of a file are those of its last change. */
function fileHeaders(key: string, { stat, hash }: FoundFile) {
  const modified = Math.floor(Number(stat.mtimeMs) / 1000);
  return {
    'x-directory-mode': 'true',
    'x-kv-nesting-depth': String(key.split('/').length),
    'x-file-hash': hash,
    'cache-control': 'no-cache',
    'x-created-at': String(modified),
    'x-updated-at': String(modified),
  };
}

function refuseExtras({ headers, query, access }: RequestContext): void {
  // Any file may be in reach, the file of tokens too.
  if (access !== 'full') throw new ApiError('FORBIDDEN', 'a read token opens databases, no directories of files');
  const header = ['if-match', 'if-none-match', 'idempotency-key'].find((name) => headers[name] !== undefined);
  if (header !== undefined) throw invalid(`the header ${header} does not apply to a directory: files have no ETag`);
  if (query.declares('at_timestamp') && query.integer('at_timestamp') > 0) {
    throw invalid('a directory has no history: leave "at_timestamp" out');
  }
}

function withPart(current: Buffer | null, path: string, body: Buffer): Buffer {
  for (const bytes of [current, body]) {
    if (bytes !== null && bytes.length > jsonBytes) {
      throw new ApiError('PAYLOAD_TOO_LARGE', `"path" works in files of at most ${jsonBytes} bytes`);
    }
  }
  const leaf = readJsonBody(body, 'INVALID_JSON_VALUE').text;
  const document = current === null ? undefined : jsonOf(current);
  return Buffer.from(setAt(document, parsePath(path), textOf(leaf, rootOf(leaf))));
}

function jsonOf(file: Buffer): string {
  try {
    return readJsonBody(file, 'INVALID_PARAMETERS').text;
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the file of the key is not JSON, so a path does not apply', { cause });
  }
}

function required<Found>(found: Found | null): Found {
  if (found === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  return found;
}

/** @throws ApiError REQUEST_TIMEOUT when the disk takes longer than the request may */
async function inTime<Result>(context: RequestContext, work: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(Math.max(0, context.deadlineMs - performance.now()), undefined, { ref: false, signal: done.signal });
    throw new ApiError('REQUEST_TIMEOUT', 'the deadline passed before the disk answered');
  };
  try {
    return await Promise.race([work, late()]);
  } finally {
    done.abort();
  }
}

/** What the file system refuses, in words for its client. Permissions are told by every route alike. */
function ofFiles(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ApiError('NO_SPACE', 'the disk of the directory is full', { cause: error });
  }
  // Each name was looked at before: it is another one by now.
  if (/^(ENOENT|ENOTDIR|EISDIR|ELOOP|ENOTEMPTY)$/.test(code)) {
    return new ApiError('CONFLICT', 'somebody else changed the directory meanwhile; try again', { cause: error });
  }
  if (code === 'ENAMETOOLONG') return invalid('the key is longer than a path may be');
  return error;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
