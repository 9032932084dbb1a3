// The log rows that have no client yet: where each table's log ends, and the naming of rows whose writer was found out
// (native-writers.ts), or is known because the API ran the SQL.

import { kvUpkeep, type LogEnds, type NamedRows } from '../../../messages/operations/kv-upkeep.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { lastSeq } from '../log/cursor.ts';
import { opCodes } from '../table/codes.ts';
import { kvNames, quoteName } from '../table/names.ts';
import { forgetTables, knowsTables, watchedTables } from '../table/table.ts';
import { SmallTransactions } from './small-transactions.ts';

/** What triggers say that a client did: expiry and gaps are nobody's change. */
const nativeOps = [opCodes.SET, opCodes.DELETE, opCodes.EXPIRE, opCodes.PERSIST].join(', ');
const rowsPerStep = 200;

export function logEnds(connection: Connection): LogEnds {
  const ends = watchedTables(connection).map((table) => {
    return [table.id, { table: table.names.table, seq: lastSeq(connection, table) }] as const;
  });
  return Object.fromEntries(ends);
}

/** To be called before the lock under which `logEnds` is called: a first look at 150 KV tables takes a while. */
export function expectLogEnds(connection: Connection): void {
  if (!knowsTables(connection)) logEnds(connection);
}

/** To be called where SQL of a client that may have changed the schema was rolled back: so is the schema's version. */
export function forgetLogs(connection: Connection): void {
  forgetTables(connection);
}

export const kvLogEnds = implement(kvUpkeep.logEnds, (connection) => {
  const ends = logEnds(connection);
  // What they write when the API writes has no client either.
  return Object.values(ends).some(({ table }) => hasForeignTriggers(connection, table)) ? {} : ends;
});

function hasForeignTriggers({ statement }: Connection, table: string): boolean {
  const sql = `SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)
    AND substr(name, 1, 9) <> 'hoody:kv_'`;
  return statement(sql).get(table) !== undefined;
}

/** Answers what there was no time for. */
export const kvNameRows = implement(kvUpkeep.nameRows, (connection, named) => {
  const names = new Map(watchedTables(connection).map((table) => [table.id, table.names]));
  const steps = named.filter(({ tableId }) => names.has(tableId)).flatMap(inSteps);
  const done = new SmallTransactions(connection).write(steps, (rows) => nameRows(connection, rows));
  return steps.slice(done);
});

/** Inside the transaction of the SQL that a client sent: whatever its triggers logged since `ends` is that client's. */
export function nameRowsSince(connection: Connection, ends: LogEnds, client: string): void {
  for (const [tableId, { table, seq: toSeq }] of Object.entries(logEnds(connection))) {
    const afterSeq = ends[tableId]?.seq;
    if (afterSeq !== undefined && afterSeq < toSeq) nameRows(connection, { tableId, table, afterSeq, toSeq, client });
  }
}

function nameRows({ statement }: Connection, { table, afterSeq, toSeq, client }: NamedRows): void {
  statement(`UPDATE ${quoteName(kvNames(table).log)} SET client = ?
    WHERE seq > ? AND seq <= ? AND client IS NULL AND in_history AND op IN (${nativeOps})`).run(
    client,
    afterSeq,
    toSeq,
  );
}

function inSteps(rows: NamedRows): NamedRows[] {
  const steps: NamedRows[] = [];
  for (let afterSeq = rows.afterSeq; afterSeq < rows.toSeq; afterSeq += rowsPerStep) {
    steps.push({ ...rows, afterSeq, toSeq: Math.min(afterSeq + rowsPerStep, rows.toSeq) });
  }
  return steps;
}
