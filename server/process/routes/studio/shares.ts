// Share links: made, listed and revoked by those who may write; what one shows is answered to whoever has its token,
// and nothing else ever is.
import { ApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import type { StudioKvHistory, StudioKvValue } from '../../../messages/studio/keys.ts';
import type { StudioRows, StudioRowsRequest } from '../../../messages/studio/rows.ts';
import type { StudioShare, StudioShared, StudioSharedView } from '../../../messages/studio/shares.ts';
import type { StudioSqlAnswer } from '../../../messages/studio/sql.ts';
import { studioLimits } from '../../../messages/studio-requests.ts';
import { decodeSharedRequest, decodeShareRequest, type SharedRequest } from '../../../messages/studio-shares.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import { anyJson, boolean, integer, list, object, oneOfTexts, optional, rfc3339, text } from '../../http/schema.ts';
import type { RunOptions, Services } from '../../services.ts';
import { databaseErrors, timeoutParameter } from '../parameters.ts';
import { kvHistorySchema, kvValueSchema } from './kv.ts';
import { rowsSchema, selectionBody } from './schemas.ts';
import { seal, unseal } from './sealed-cursor.ts';
import { resultSchema } from './sql.ts';

const viewSchema = {
  description: 'What the link shows: rows of a table, the result of a SELECT, or a key.',
  anyOf: [
    object({ kind: oneOfTexts('table'), ...selectionBody, columns: optional(list(text)) }),
    object({ kind: oneOfTexts('sql'), sql: text, chart: optional(text) }),
    object({ kind: oneOfTexts('key'), table: text, key: text, history: boolean }),
  ],
};
const share = { id: text, db: text, title: text, view: viewSchema, created: rfc3339, expires: rfc3339 };
const sharedSchema = object({
  share: object(share),
  rows: optional(rowsSchema),
  result: optional(resultSchema),
  value: optional(kvValueSchema),
  history: optional(kvHistorySchema),
});
const base = '/api/v1/sqlite/studio';
const shownErrors = [...databaseErrors, 'UNAUTHORIZED', 'NOT_FOUND', 'SQL_ERROR', 'CONFLICT'] as const;
const pastErrors = ['HISTORY_ENTRY_NOT_FOUND', 'TIME_TRAVEL_CHAIN_GAP', 'KEY_NOT_FOUND', 'CANCELLED'] as const;

export const studioShareRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${base}/shares`,
    name: 'studioAddShare',
    summary: 'Make a link that shows one table, query or key to whoever has it',
    tag: 'studio',
    access: 'write',
    query: [],
    body: {
      description: 'What it shows, and for how many seconds.',
      schema: object({ db: text, title: text, view: viewSchema, expiresIn: optional(integer) }),
    },
    replies: {
      201: { description: 'The link. Its token is told this once.', schema: object({ ...share, token: text }) },
    },
    errors: ['INVALID_DB_PATH', 'CONFLICT', 'PAYLOAD_TOO_LARGE'],
    handle: async (context, services) => {
      const request = decodeShareRequest(await context.body());
      services.resolve(request.db);
      return { ...json(services.shares.add(request)), status: 201 };
    },
  },
  {
    method: 'GET',
    path: `${base}/shares`,
    name: 'studioShares',
    summary: 'The links that have neither ended nor been revoked',
    tag: 'studio',
    access: 'read',
    query: [],
    replies: { 200: { description: 'Newest first, without tokens.', schema: object({ shares: list(object(share)) }) } },
    errors: [],
    handle: (_, services) => json({ shares: services.shares.shares }),
  },
  {
    method: 'DELETE',
    path: `${base}/shares/{key}`,
    name: 'studioRevokeShare',
    summary: 'Revoke a link',
    tag: 'studio',
    access: 'write',
    query: [],
    replies: { 204: { description: 'Its token shows nothing any more.' } },
    errors: ['NOT_FOUND'],
    handle: ({ key }, services) => {
      if (!services.shares.revoke(key)) throw new ApiError('NOT_FOUND', 'there is no such share link');
      return { status: 204, body: null };
    },
  },
  {
    method: 'POST',
    path: `${base}/shared`,
    name: 'studioShared',
    summary: 'What a link shows, to the holder of its token',
    tag: 'studio',
    // Its token is none of the server's: a share shows what it shows, to anybody who has the link.
    access: 'open',
    query: [timeoutParameter],
    headers: [{ name: 'Authorization', description: 'Bearer and the token of the link.' }],
    body: {
      description: 'Where to go on in a table, or which version of a key.',
      optional: true,
      schema: object({
        from: optional({ ...anyJson, description: 'As in POST studio/rows.' }),
        version: optional(integer),
      }),
    },
    replies: { 200: { description: 'The share, and what its kind has.', schema: sharedSchema } },
    errors: [...shownErrors, ...pastErrors],
    handle: shared,
  },
];

async function shared(context: RequestContext, services: Services): Promise<Reply> {
  const token = /^Bearer +(\S+) *$/i.exec(context.headers.authorization ?? '')?.[1];
  const found = token === undefined ? undefined : services.shares.find(token);
  if (found === undefined) {
    throw new ApiError(
      'UNAUTHORIZED',
      'this share link is not known: it has ended, was revoked, or was cut on its way',
    );
  }
  const request = decodeSharedRequest(await context.body());
  const shown: StudioShared = { share: found, ...(await contentOf(found, request, context, services)) };
  return { ...json(shown), headers: { 'Cache-Control': 'no-store' } };
}

async function contentOf(
  { id, db, view }: StudioShare,
  request: SharedRequest,
  context: RequestContext,
  services: Services,
): Promise<Omit<StudioShared, 'share'>> {
  const database = { database: services.resolve(db) };
  switch (view.kind) {
    case 'table':
      return { rows: await rowsOf(id, view, request, context, services, database) };
    case 'sql': {
      const readOnly = { sql: view.sql, readOnly: true, limit: studioLimits.sqlRowsDefault };
      const args = { request: readOnly, clientIp: context.clientIp };
      const answer = await services.run(studio.readingSql, context, args, database);
      if (answer === null || answer.reply === null) {
        throw new ApiError('SQL_ERROR', answer?.error?.message ?? 'the query of this share ended without an answer');
      }
      const result = bodyOf<StudioSqlAnswer>(answer.reply).results.at(-1);
      return result === undefined ? {} : { result };
    }
    case 'key': {
      const { table, key } = view;
      if (request.version !== undefined && !view.history) {
        throw new ApiError('FORBIDDEN', 'this share shows the value as it is now, without its history');
      }
      const asked = { table, key, version: request.version ?? null, cut: studioLimits.cutMax };
      const value = bodyOf<StudioKvValue>(await services.run(studio.kvValue, context, asked, database));
      if (!view.history) return { value };
      const past = { table, key, before: null, limit: kvLimits.historyDefault };
      const history = bodyOf<StudioKvHistory>(await services.run(studio.kvHistory, context, past, database));
      return { value, history };
    }
    default:
      return view satisfies never;
  }
}

/** Without the keys of the rows, and with sealed cursors: a key may lie in a column that is not shared. */
async function rowsOf(
  share: string,
  { kind: _, ...selection }: Extract<StudioSharedView, { readonly kind: 'table' }>,
  { from }: SharedRequest,
  context: RequestContext,
  services: Services,
  database: RunOptions,
): Promise<StudioRows> {
  const { secret } = services.shares;
  const request: StudioRowsRequest = {
    ...selection,
    limit: studioLimits.rowsDefault,
    cut: studioLimits.cutDefault,
    ...(from === undefined ? {} : { from: unsealed(from, (cursor) => unseal(cursor, secret, share)) }),
  };
  const page = bodyOf<StudioRows>(await services.run(studio.rows, context, request, database));
  const sealed = (cursor: string | null) => (cursor === null ? null : seal(cursor, secret, share));
  return {
    ...page,
    rows: page.rows.map(({ at, values }) => ({ key: null, at: seal(at, secret, share), values })),
    next: sealed(page.next),
    previous: sealed(page.previous),
  };
}

function unsealed(
  from: NonNullable<StudioRowsRequest['from']>,
  open: (cursor: string) => string,
): NonNullable<StudioRowsRequest['from']> {
  if (from === 'end' || 'fraction' in from) return from;
  if ('after' in from) return { after: open(from.after) };
  return 'before' in from ? { before: open(from.before) } : { at: open(from.at) };
}

/** The JSON that an executor has made. */
function bodyOf<Body>({ body }: Reply): Body {
  return JSON.parse(String(body)) as Body;
}
