// Writes the query of the present table into the URL.
import { setParams } from '../location.ts';
import { formatQuery, type TableQuery } from './table-query.ts';

export function applyQuery(query: TableQuery): void {
  setParams(formatQuery(query));
}
