// Every operation that an executor can run, by name.

import type { AnyFileOperation, AnyOperation } from '../messages/operation.ts';
import { databaseFileOperations } from './databases/file-operations.ts';
import { databaseOperations } from './databases/operations.ts';
import { kvOperations } from './kv/operations.ts';
import { historyOperations } from './query-history.ts';
import { sqlOperations } from './sql/operations.ts';

function byName<Row extends { readonly name: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.name, row]));
}

export const operations: ReadonlyMap<string, AnyOperation> = byName([
  ...sqlOperations,
  ...databaseOperations,
  ...historyOperations,
  ...kvOperations,
]);

export const fileOperations: ReadonlyMap<string, AnyFileOperation> = byName(databaseFileOperations);
