// POST studio/sample: a new database that has something for every view.
import { Buffer } from 'node:buffer';
import { file } from '../../../messages/operations/file.ts';
import { kv } from '../../../messages/operations/kv.ts';
import { studio } from '../../../messages/operations/studio.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import type { StudioSample } from '../../../messages/studio/files.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Route } from '../../http/route.ts';
import { object, text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { databaseErrors, dbParameter, timeoutParameter } from '../parameters.ts';

const keyTable = 'kv_store';

/** Keys in the order they are written: those that come again get a history. */
const writes: readonly { readonly key: string; readonly value: unknown; readonly ttlSeconds?: number }[] = [
  { key: 'config/theme', value: { mode: 'light', accent: 'teal' } },
  { key: 'config/theme', value: { mode: 'light', accent: 'blue' } },
  { key: 'config/theme', value: { mode: 'dark', accent: 'blue' } },
  { key: 'config/limits', value: { perMinute: 60, burst: 10 } },
  { key: 'config/limits', value: { perMinute: 120, burst: 20 } },
  { key: 'config/banner', value: 'Free delivery this week' },
  { key: 'feature/new-checkout', value: { enabled: false, share: 0 } },
  { key: 'feature/new-checkout', value: { enabled: true, share: 0.1 } },
  { key: 'feature/new-checkout', value: { enabled: true, share: 0.5 } },
  { key: 'feature/search-by-picture', value: { enabled: false } },
  ...Array.from({ length: 24 }, (_, n) => ({
    key: `basket/${1000 + n}`,
    value: { customer: 1 + n * 7, items: [{ product: 1 + n * 3, quantity: 1 + (n % 3) }] },
    ttlSeconds: 7 * 24 * 3600,
  })),
  { key: 'counter/visits', value: 41_872 },
];

export const studioSampleRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/sqlite/studio/sample',
    name: 'studioSample',
    summary: 'Make a database with a small shop: 8 tables, 50,000 rows, two views, keys with history',
    tag: 'studio',
    access: 'write',
    query: [dbParameter, timeoutParameter],
    replies: { 201: { description: 'Made.', schema: object({ db: text }) } },
    errors: [...databaseErrors, 'DATABASE_EXISTS', 'CONFLICT', 'DATABASE_READONLY'],
    handle: makeSample,
  },
];

async function makeSample(context: RequestContext, services: Services): Promise<Reply> {
  const { path } = services.target(context);
  await services.runOnFile(file.create, context, path, { kvTable: keyTable });
  try {
    await services.run(studio.fillSample, context, { clientIp: context.clientIp });
    for (const { key, value, ttlSeconds = 0 } of writes) {
      await services.run(kv.set, context, {
        table: keyTable,
        key,
        body: Buffer.from(JSON.stringify(value)),
        contentType: 'application/json',
        ttlSeconds,
        history: true,
        clientIp: context.clientIp,
        conditions: {},
      });
    }
  } catch (error) {
    // Half a sample would be in the way of the next try.
    await services.runOnFile(file.delete, context, path, {}).catch(() => undefined);
    throw error;
  }
  const made: StudioSample = { db: context.query.text('db') };
  return { ...json(made), status: 201 };
}
