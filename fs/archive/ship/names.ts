// Where the files of a database lie in a store: Litestream's layout, so that its tools can read them.

/** Files as they come, about one a second. */
export const firstLevel = 0;
/** Whole databases. */
export const snapshotLevel = 9;

export interface LtxName {
  readonly level: number;
  readonly minTxid: number;
  readonly maxTxid: number;
}

export interface DatabaseFile extends LtxName {
  /** The path below the data directory. */
  readonly database: string;
}

/** In S3 Litestream has four digits and no folder `ltx`: `app.db/0009/`, elsewhere `app.db/ltx/9/`. */
export function levelPrefix(url: string, database: string, level: number): string {
  return url.startsWith('s3:') ? `${database}/${hex(level, 4)}/` : `${database}/ltx/${level}/`;
}

export function nameOf(url: string, database: string, { level, minTxid, maxTxid }: LtxName): string {
  return `${levelPrefix(url, database, level)}${hex(minTxid, 16)}-${hex(maxTxid, 16)}.ltx`;
}

/** undefined: it is no file of ours or Litestream's. */
export function parseName(url: string, name: string): DatabaseFile | undefined {
  const pattern = url.startsWith('s3:')
    ? /^(.+)\/([0-9a-f]{4})\/([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/
    : /^(.+)\/ltx\/(\d)\/([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/;
  const found = pattern.exec(name);
  if (found === null) return undefined;
  const [, database = '', level = '', min = '', max = ''] = found;
  const [minTxid, maxTxid] = [Number.parseInt(min, 16), Number.parseInt(max, 16)];
  if (minTxid < 1 || maxTxid < minTxid || !Number.isSafeInteger(maxTxid)) return undefined;
  return { database, level: Number.parseInt(level, 16), minTxid, maxTxid };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
