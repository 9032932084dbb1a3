// Databases in RAM: which they are, and moves between RAM and disk.

import { relative } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import { file } from '../../messages/operations/file.ts';
import { json, type Reply } from '../../messages/reply.ts';
import type { SetTier, TierAnswer, TierList } from '../../messages/tier.ts';
import type { RequestContext } from '../http/context.ts';
import type { Route } from '../http/route.ts';
import {
  boolean,
  integer,
  list as listOf,
  number,
  object,
  oneOfTexts,
  optional,
  succeeded,
  text,
} from '../http/schema.ts';
import type { Services } from '../services.ts';
import { databaseErrors, dbParameter, timeoutParameter } from './parameters.ts';

const holderSchema = object({ pid: integer, command: text });
const listSchema = object({
  directory: { ...text, description: 'The tmpfs.' },
  used_bytes: integer,
  size_bytes: integer,
  databases: listOf(
    object({
      name: text,
      size_bytes: integer,
      journal: text,
      lag_ms: { ...number, description: 'How far the durable copy may be behind; 0: it has everything.' },
      lag_bytes: integer,
      trouble: optional({ ...text, description: 'Why the durable copy does not keep up.' }),
    }),
  ),
  refused: listOf(object({ name: text, reason: text })),
  pending: {
    ...listOf(object({ name: text, tier: oneOfTexts('ram', 'disk'), holders: listOf(holderSchema) })),
    description: 'Moves that wait until no program has the database open any more.',
  },
});
const movedSchema = object({
  success: succeeded,
  path: text,
  tier: oneOfTexts('ram', 'disk'),
  moved: { ...boolean, description: 'False with 200: it was there already.' },
  holders: listOf(holderSchema),
});
const tierErrors = ['CONFLICT', 'SERVICE_UNAVAILABLE'] as const;

export const tierRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/sqlite/db/tier',
    name: 'listTier',
    summary: 'Databases that work in RAM, and how far their durable copies are behind',
    tag: 'database',
    access: 'read',
    query: [timeoutParameter],
    replies: { 200: { description: 'Databases in RAM.', schema: listSchema } },
    errors: tierErrors,
    handle: list,
  },
  {
    method: 'POST',
    path: '/api/v1/sqlite/db/tier',
    name: 'setTier',
    summary: 'Move a database to RAM or to the disk, when no program has it open any more; the choice is kept',
    tag: 'database',
    access: 'write',
    query: [
      dbParameter,
      { name: 'tier', type: 'text', required: true, description: '"ram" or "disk".' },
      timeoutParameter,
    ],
    replies: {
      200: { description: 'It is there now.', schema: movedSchema },
      202: { description: 'It moves when the holders have closed it.', schema: movedSchema },
    },
    errors: [...new Set([...databaseErrors, ...tierErrors])],
    handle: set,
  },
];

async function list(context: RequestContext, services: Services): Promise<Reply> {
  const found = unwrapped((await services.tier({ op: 'list' }, leftMs(context))) as TierAnswer<TierList> | undefined);
  return json({
    directory: found.directory,
    used_bytes: found.usedBytes,
    size_bytes: found.sizeBytes,
    databases: found.databases.map(({ path, sizeBytes, journal, lagMs, lagBytes, trouble }) => ({
      name: path,
      size_bytes: sizeBytes,
      journal,
      lag_ms: Math.round(lagMs),
      lag_bytes: lagBytes,
      ...(trouble === undefined ? {} : { trouble }),
    })),
    refused: Object.entries(found.refused).map(([name, reason]) => ({ name, reason })),
    pending: Object.entries(found.pending).map(([name, { tier, holders }]) => ({ name, tier, holders })),
  });
}

async function set(context: RequestContext, services: Services): Promise<Reply> {
  const tier = context.query.text('tier');
  if (tier !== 'ram' && tier !== 'disk') throw new ApiError('INVALID_PARAMETERS', 'tier is "ram" or "disk"');
  const target = services.target(context);
  const database = relative(services.options.root, target.path);
  if (database.startsWith('..')) throw new ApiError('INVALID_DB_PATH', 'the database is not below the root');
  await services.runOnFile(file.release, context, target.path, {});
  const answer = (await services.tier({ op: 'set', database, tier }, leftMs(context))) as
    | TierAnswer<SetTier>
    | undefined;
  const { isMoved, holders } = unwrapped(answer);
  return json({ success: true, path: target.name, tier, moved: isMoved, holders }, holders.length > 0 ? 202 : 200);
}

function unwrapped<Value>(answer: TierAnswer<Value> | undefined): Value {
  if (answer === undefined) throw new ApiError('SERVICE_UNAVAILABLE', 'the tier process does not answer; try again');
  if (answer.ok) return answer.value;
  throw new ApiError('CONFLICT', answer.message);
}

function leftMs({ deadlineMs }: RequestContext): number {
  return Math.max(0, deadlineMs - performance.now());
}
