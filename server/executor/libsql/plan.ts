// What the statements of a request say before any of them runs: whether they only read, and whether they leave a
// transaction open.
import { readsOnly } from '../../messages/sql-reading.ts';
import { type Statement, splitStatements } from '../../messages/sql-statements.ts';
import { controlOrNull } from './control.ts';
import type { SqlSource, StreamRequest } from './request.ts';

/** The statements of all requests, in order. Of an unknown id there are none: its request fails. */
export function statementsOf(
  requests: readonly StreamRequest[],
  textOf: (sqlId: number) => string | null,
): Statement[] {
  const stored = new Map<number, string>();
  const scripts = (source: SqlSource): Statement[] => {
    const sql = 'sql' in source ? source.sql : (stored.get(source.sqlId) ?? textOf(source.sqlId) ?? '');
    return splitStatements(sql);
  };
  return requests.flatMap((request) => {
    switch (request.type) {
      case 'store_sql':
        stored.set(request.sqlId, request.sql);
        return [];
      case 'execute':
        return scripts(request.statement.source);
      case 'batch':
        return request.steps.flatMap(({ statement }) => scripts(statement.source));
      case 'sequence':
        return scripts(request.source);
      default:
        return [];
    }
  });
}

/** By their words, none of them writes: BEGIN and COMMIT do not. */
export function onlyReads(statements: readonly Statement[]): boolean {
  return statements.every((statement) => readsOnly(statement) || controlOrNull(statement) !== null);
}

/** Where every statement succeeds, a transaction is open after the last one. */
export function leavesOpen(requests: readonly StreamRequest[], statements: readonly Statement[]): boolean {
  if (requests.some(({ type }) => type === 'close')) return false;
  let isOpen = false;
  let savepoints: string[] | null = null;
  for (const statement of statements) {
    const found = controlOrNull(statement);
    switch (found?.kind) {
      case 'begin':
        isOpen = true;
        break;
      case 'commit':
      case 'rollback':
        isOpen = false;
        savepoints = null;
        break;
      case 'savepoint':
        if (!isOpen) savepoints = [];
        isOpen = true;
        savepoints?.push(found.name);
        break;
      case 'release': {
        if (savepoints === null) break;
        savepoints = savepoints.slice(0, Math.max(0, savepoints.lastIndexOf(found.name)));
        if (savepoints.length > 0) break;
        isOpen = false;
        savepoints = null;
        break;
      }
      default:
    }
  }
  return isOpen;
}
