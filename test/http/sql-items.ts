// POST /db on one database, item by item, and fresh tables in it.
import type { Answer, Api } from '../helpers/http.ts';

/** A SELECT that comes to no end. */
export const endless = 'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) AS n FROM r';

export function sqlItems(api: () => Api) {
  const sql = (...items: object[]): Promise<Answer> => api().sql('tx', ...items);
  let tables = 0;
  return {
    sql,
    last: async (...items: object[]) => (await sql(...items)).json.results.at(-1),
    /** A fresh table (id INTEGER PRIMARY KEY, a, b TEXT UNIQUE). */
    table: async (): Promise<string> => {
      tables += 1;
      await sql({ statement: `CREATE TABLE t${tables} (id INTEGER PRIMARY KEY, a, b TEXT UNIQUE)` });
      return `t${tables}`;
    },
  };
}
