// What the query history remembers of the studio's work.
import { limits } from '../../../messages/limits.ts';
import type { ItemRecord } from '../../../messages/operations/sql.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Services } from '../../services.ts';

export function recordSql(
  context: RequestContext,
  services: Services,
  records: readonly ItemRecord[],
  wrote: boolean,
): void {
  const timestampMs = Date.now();
  const entries = records.slice(-limits.queryHistoryKept).map((record) => ({
    ...record,
    sql: record.sql.slice(0, limits.queryHistorySqlChars),
    timestampMs,
    source: 'sql' as const,
    clientIp: context.clientIp,
  }));
  services.record(services.target(context), entries, wrote);
}
