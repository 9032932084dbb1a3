// What the studio writes row by row.
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import type { StudioApplied } from '../../../messages/studio/edits.ts';
import { decodeApply, parseMembers } from '../../../messages/studio-requests.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import { boolean, list, nullable, object, oneOfTexts, optional, text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { dbParameter, timeoutParameter } from '../parameters.ts';
import { keySchema, valuesByColumn } from './schemas.ts';
import { recordSql } from './sql-history.ts';
import { tableErrors } from './tables.ts';

const applyBody = object({
  changes: list(
    object({
      kind: oneOfTexts('update', 'insert', 'delete'),
      table: text,
      key: optional({ ...keySchema, description: 'Of the row to update or delete.' }),
      set: optional(valuesByColumn),
      expect: optional({ ...valuesByColumn, description: 'What was read before: at least every column of `set`.' }),
    }),
  ),
  dryRun: optional({ ...boolean, description: 'Write nothing: answer the SQL.' }),
});
const appliedSchema = object({
  sql: { ...list(text), description: 'One statement for each change.' },
  keys: optional({ ...list(nullable(keySchema)), description: 'Of each insert its key, else null.' }),
});

export const studioEditRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/apply',
    name: 'studioApply',
    summary: 'Change rows that nobody else has changed since they were read, all or none',
    tag: 'studio',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    body: { description: 'The changes, in order.', schema: applyBody },
    replies: {
      200: { description: 'Committed.', schema: appliedSchema },
      409: {
        description: 'With `conflicts` where rows were changed meanwhile: `change` is the place of the change.',
        schema: { $ref: '#/components/schemas/Error' },
      },
    },
    errors: [...tableErrors, 'SQL_CONSTRAINT', 'DATABASE_READONLY'],
    handle: apply,
  },
];

async function apply(context: RequestContext, services: Services): Promise<Reply> {
  const request = decodeApply(parseMembers(await context.body(), ['changes', 'dryRun']));
  const startedMs = performance.now();
  const applied = await services.run(studio.apply, context, { request, clientIp: context.clientIp });
  // The executor died after COMMIT and before the reply: the work is done.
  if (applied === null) return json({ sql: [] } satisfies StudioApplied);
  if (!request.dryRun) {
    const durationMs = (performance.now() - startedMs) / Math.max(1, applied.sql.length);
    recordSql(
      context,
      services,
      applied.sql.map((sql) => ({ sql, isStatement: true, durationMs, rowCount: 1, error: null })),
      true,
    );
  }
  return json(applied);
}
