// Every operation that an executor can run, by name.

import { databaseFileOperations } from './databases/file-operations.ts';
import { databaseOperations } from './databases/operations.ts';
import type { AnyFileImplementation, AnyImplementation } from './implementation.ts';
import { kvOperations } from './kv/operations.ts';
import { libsqlOperations } from './libsql/operations.ts';
import { pastOperations } from './past/diff.ts';
import { historyOperations } from './query-history.ts';
import { sqlOperations } from './sql/operations.ts';
import { studioOperations } from './studio/operations.ts';

function byName<Row extends { readonly name: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.name, row]));
}

export const operations: ReadonlyMap<string, AnyImplementation> = byName([
  ...sqlOperations,
  ...libsqlOperations,
  ...databaseOperations,
  ...historyOperations,
  ...kvOperations,
  ...studioOperations,
  ...pastOperations,
]);

export const fileOperations: ReadonlyMap<string, AnyFileImplementation> = byName(databaseFileOperations);
