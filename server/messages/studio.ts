// What the studio's page and the server say to each other: the JSON of /api/v1/sqlite/studio/... Types only, so that
// the page and the server compile against the same text.
//
// The page itself: vite builds dist/server/studio/index.html and dist/server/studio/assets/NAME-HASH.js (base `/`),
// each with NAME.br and NAME.gz beside it. `GET /` is the HTML, `GET /assets/NAME` the rest; every other path is 404 as
// JSON, so views stand in the query or the hash of `/`. Wherever the HTML has the text `__CSP_NONCE__`, an answer has
// its nonce (vite's `html.cspNonce`). Only styles with the nonce and files of our own are allowed: no inline script, no
// eval, no style attribute in HTML (element.style is fine).

/**
 * A cell without loss. INTEGER is decimal text, because JavaScript's numbers end at 2^53; REAL is text, so that Inf and
 * every digit survive. A value longer than the cut of its request shows its beginning and its whole length in bytes.
 */
export type StudioValue =
  | null
  /** TEXT, whole. */
  | string
  | { readonly int: string }
  | { readonly real: string }
  /** The beginning of a long TEXT, cut between two characters. */
  | { readonly text: string; readonly bytes: number }
  /** BLOB as base64; `bytes` is the whole length, more than `blob` holds where it is cut. */
  | { readonly blob: string; readonly bytes: number }
  /** TEXT that is not UTF-8: its bytes as base64. Read only, like everything that is cut. */
  | { readonly badText: string; readonly bytes: number };

/** The key columns' values of one row, in the order of `StudioKey.columns`. */
export type StudioRowKey = readonly StudioValue[];

/** How the rows of a table are told apart. `rowid` names the alias that no column hides. */
export interface StudioKey {
  readonly kind: 'primary' | 'rowid';
  readonly columns: readonly string[];
}

export interface StudioColumn {
  readonly name: string;
  /** As declared; may be empty. */
  readonly type: string;
  readonly notNull: boolean;
  /** SQL text of the default, or null. */
  readonly defaultSql: string | null;
  /** Place in the primary key from 1; 0 outside of it. */
  readonly primaryKey: number;
  readonly generated: 'stored' | 'virtual' | null;
}

export interface StudioRelation {
  readonly columns: readonly string[];
  readonly table: string;
  readonly tableColumns: readonly string[];
}

export interface StudioObject {
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual';
  /** `system`: SQLite's and the server's own; `kv`: a key-value table, shown under Keys. */
  readonly group: 'user' | 'kv' | 'system';
  readonly sql: string;
  readonly columns: readonly StudioColumn[];
  /** Null: rows cannot be told apart (a view, a virtual table without rowid), so they are read only. */
  readonly key: StudioKey | null;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  readonly references: readonly StudioRelation[];
  /** Tables that refer to this one; `tableColumns` are theirs. */
  readonly referencedBy: readonly StudioRelation[];
  readonly indexes: readonly {
    readonly name: string;
    readonly unique: boolean;
    readonly columns: readonly (string | null)[];
    readonly sql: string | null;
  }[];
  readonly triggers: readonly { readonly name: string; readonly sql: string }[];
}

/** GET studio/schema?db= */
export interface StudioSchema {
  readonly db: string;
  /** Changes with every change of the schema. */
  readonly version: string;
  readonly journalMode: string;
  readonly bytes: number;
  /** Where programs open the file: below the mount, or the data directory without a mount. */
  readonly path: string;
  readonly objects: readonly StudioObject[];
}

/** GET studio/databases */
export interface StudioOverview {
  readonly version: string;
  readonly mounted: boolean;
  /** The directory that programs see. */
  readonly root: string;
  /** What this caller's token may do. */
  readonly access: 'full' | 'read';
  readonly databases: readonly {
    readonly db: string;
    readonly path: string;
    readonly bytes: number;
    /** ISO 8601. */
    readonly modified: string;
  }[];
  /** There are more databases than one answer lists. */
  readonly more: boolean;
}

export type StudioFilterOperator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'starts'
  | 'null'
  | 'not null'
  | 'in';

export interface StudioFilter {
  readonly column: string;
  readonly operator: StudioFilterOperator;
  /** A list for `in`; absent for `null` and `not null`. Compared by SQLite's own rules of affinity and collation. */
  readonly value?: StudioValue | readonly StudioValue[];
}

export interface StudioSelection {
  readonly table: string;
  readonly filters?: readonly StudioFilter[];
  /** SQL expression, joined to the filters by AND. */
  readonly where?: string;
  readonly sort?: readonly { readonly column: string; readonly descending?: boolean }[];
}

/** POST studio/rows?db= : one page of a table or view, by key and never by OFFSET where the table has one. */
export interface StudioRowsRequest extends StudioSelection {
  readonly columns?: readonly string[];
  /** Rows; default 100, at most 1000. */
  readonly limit?: number;
  /** Absent: the first page. `fraction` jumps near that part of the rows, for a dragged scroll bar. */
  readonly from?:
    | { readonly after: string }
    | { readonly before: string }
    | { readonly at: string }
    | { readonly fraction: number }
    | 'end';
  /** Bytes of a value that are sent; default 2048. */
  readonly cut?: number;
}

export interface StudioRows {
  readonly columns: readonly string[];
  readonly rows: readonly StudioRow[];
  /** Cursor to go on with `after`; null at the end. */
  readonly next: string | null;
  /** Cursor to go back with `before`; null at the beginning. */
  readonly previous: string | null;
  readonly ms: number;
}

export interface StudioRow {
  readonly key: StudioRowKey | null;
  /** Where this row stands: `from: {at}` reads a page that begins with it. */
  readonly at: string;
  readonly values: readonly StudioValue[];
}

/** POST studio/count?db= (a StudioSelection): counts for a bounded time. */
export interface StudioCount {
  readonly rows: number;
  /** False: there are at least so many, or about so many. */
  readonly exact: boolean;
}

/** POST studio/facets?db= : what stands in one column of the rows, of those that were looked at in a bounded time. */
export interface StudioFacetsRequest extends StudioSelection {
  readonly column: string;
}
export interface StudioFacets {
  /** The most frequent ones first; NULL is one of them. At most 20, long ones cut. */
  readonly values: readonly { readonly value: StudioValue; readonly rows: number }[];
  /** That were looked at: all of the selection where `exact`. */
  readonly rows: number;
  /** Values other than NULL. */
  readonly distinct: number;
  readonly nulls: number;
  /** By the order of SQLite; null where there is no value. */
  readonly least: StudioValue;
  readonly greatest: StudioValue;
  readonly exact: boolean;
}

/** POST studio/cell?db= : one whole value. With `raw=true` its bytes as a download. */
export interface StudioCellRequest {
  readonly table: string;
  readonly key: StudioRowKey;
  readonly column: string;
}
export interface StudioCell {
  readonly value: StudioValue;
}

export type StudioChange =
  | {
      readonly kind: 'update';
      readonly table: string;
      readonly key: StudioRowKey;
      readonly set: Readonly<Record<string, StudioValue>>;
      /** What the page read before: at least every column of `set`. Compared by type and bytes. */
      readonly expect: Readonly<Record<string, StudioValue>>;
    }
  | { readonly kind: 'insert'; readonly table: string; readonly set: Readonly<Record<string, StudioValue>> }
  | {
      readonly kind: 'delete';
      readonly table: string;
      readonly key: StudioRowKey;
      readonly expect: Readonly<Record<string, StudioValue>>;
    };

/** POST studio/apply?db= : all changes in one transaction, or none. With `dryRun` nothing is written: only the SQL. */
export interface StudioApplyRequest {
  readonly changes: readonly StudioChange[];
  readonly dryRun?: boolean;
}
export interface StudioApplied {
  /** The statements as SQL text, one for each change. */
  readonly sql: readonly string[];
  /** Of each insert its key, else null; absent of a dry run. */
  readonly keys?: readonly (StudioRowKey | null)[];
}
/** 409, code CONFLICT: somebody else has changed a row since it was read. Nothing was written. */
export interface StudioConflicts {
  readonly error: string;
  readonly code: 'CONFLICT';
  readonly conflicts: readonly {
    /** Place in `changes`. */
    readonly change: number;
    readonly reason: 'changed' | 'gone';
    /** The row as it is now, by column. */
    readonly now?: Readonly<Record<string, StudioValue>>;
  }[];
}

/**
 * POST studio/sql?db= : statements in one transaction. `DELETE studio/sql/{id}` cancels: 204, or 404 where nothing runs
 * under this id; the POST then answers 409 CANCELLED.
 */
export interface StudioSqlRequest {
  readonly sql: string;
  /** By name without its prefix, or by number ("1"). */
  readonly parameters?: Readonly<Record<string, StudioValue>>;
  /** Names the request for `DELETE studio/sql/{id}`: 1 to 64 of A-Z a-z 0-9 - _ */
  readonly id?: string;
  /** Rows of each result; default 1000, at most 10,000. */
  readonly limit?: number;
  readonly cut?: number;
  /** Refuse everything that is not read only. */
  readonly readOnly?: boolean;
  /** Run, count, and roll back: what safe mode shows before a write. */
  readonly dryRun?: boolean;
}
export interface StudioSqlAnswer {
  readonly results: readonly StudioResult[];
  readonly schemaVersion: string;
}
export interface StudioResult {
  /** The statement's place in `sql`, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly kind: 'rows' | 'write' | 'schema' | 'other';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly StudioValue[])[];
  /** There are more rows than `limit`. */
  readonly more: boolean;
  /** Rows that the statement changed. */
  readonly changes: number;
  readonly ms: number;
}
/** Members of an error answer of the studio's SQL, beside `error` and `code`. */
export interface StudioSqlError {
  readonly error: string;
  readonly code: string;
  readonly hint?: string;
  /** Where to underline, in UTF-16 units of `sql`. */
  readonly offset?: number;
  readonly length?: number;
  /** Of DATABASE_BUSY: how long the request waited for the lock. */
  readonly waitedMs?: number;
  /** Of DATABASE_BUSY: who holds the database. */
  readonly holder?: {
    readonly command: string;
    readonly pid: number;
    readonly container: string;
    readonly lock: string;
  };
}

/** POST studio/explain?db= {sql, parameters?}: EXPLAIN QUERY PLAN. */
export interface StudioPlan {
  readonly nodes: readonly { readonly id: number; readonly parent: number; readonly detail: string }[];
}

/** POST studio/parameters {sql}: names of the parameters of the statements, for a form. */
export interface StudioParameters {
  readonly names: readonly string[];
}

/** What stands between two fields of a CSV file. */
export type StudioCsvDelimiter = 'comma' | 'semicolon' | 'tab';

export type StudioExportFormat = 'csv' | 'json' | 'jsonl' | 'sql';
/**
 * POST studio/export?db= : a stream, with Content-Disposition. GET studio/file?db= : the whole database as one file.
 */
export interface StudioExportRequest {
  readonly format: StudioExportFormat;
  readonly source:
    | (StudioSelection & { readonly columns?: readonly string[] })
    | { readonly sql: string; readonly parameters?: StudioSqlRequest['parameters'] };
  /** CSV: put ' before cells that spreadsheets would run as formulas. Default false: bytes survive a round trip. */
  readonly guardFormulas?: boolean;
  /** Of CSV; without it a comma. */
  readonly delimiter?: StudioCsvDelimiter;
}

/**
 * POST studio/import?db=&table=&format=csv|json|jsonl&create=&header=&delimiter=&dryRun= with the file as body: one
 * transaction. CSV: an unquoted empty field is NULL, "" is empty text; `delimiter` is a StudioCsvDelimiter or auto.
 * `types` of a dry run are guesses; the import takes its own in the parameter `types`, comma-separated.
 */
export interface StudioImported {
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly rows: number;
  /** Of CSV: the one that was found or asked for. */
  readonly delimiter?: StudioCsvDelimiter;
  /** Of a dry run: the first 20 rows. */
  readonly preview?: readonly (readonly StudioValue[])[];
}

/** GET studio/kv/keys?db=&table=&prefix=&delimiter=/&after=&limit=&search= : one level of the tree of keys. */
export interface StudioKeys {
  readonly entries: readonly StudioKeyEntry[];
  /** Pass as `after` to go on; null at the end. */
  readonly next: string | null;
}
export type StudioKeyEntry =
  /** All keys that begin with `prefix`. `more`: counting stopped at `keys`. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly keys: number; readonly more: boolean }
  | {
      readonly kind: 'key';
      readonly key: string;
      readonly type: 'text' | 'json' | 'binary';
      readonly bytes: number;
      /** ISO 8601 or null. */
      readonly expires: string | null;
      readonly modified: string;
    };
/** GET studio/kv/tables?db= */
export interface StudioKvTables {
  readonly tables: readonly { readonly table: string; readonly keys: number; readonly more: boolean }[];
}
/**
 * GET studio/kv/key?db=&table=&key=[&version=][&cut=] : a value with all that is known of it; old versions likewise.
 * `cut` is in bytes, default 1 MiB. With `raw=true` the answer is the whole value's bytes with their content type, of
 * an old version, too.
 */
export interface StudioKvValue {
  readonly key: string;
  readonly value: StudioValue;
  readonly type: 'text' | 'json' | 'binary';
  readonly contentType: string | null;
  readonly bytes: number;
  /** For If-Match of the public API's PUT and DELETE; null of an old version or a key that is gone. */
  readonly etag: string | null;
  readonly expires: string | null;
  readonly modified: string | null;
  /** False: deleted or expired. */
  readonly exists: boolean;
}
/** GET studio/kv/history?db=&table=&key=&before=&limit= : newest first. */
export interface StudioKvHistory {
  readonly versions: readonly {
    /** Names the version for GET studio/kv/key. */
    readonly version: string;
    /** ISO 8601. */
    readonly at: string;
    /** set, delete, incr, push ... as the log has it. */
    readonly operation: string;
    readonly exists: boolean;
    readonly bytes: number;
    /** `http 10.0.0.7`, or `python3[4711] in 3f2a9c01d2b4`. */
    readonly who: string;
  }[];
  readonly next: string | null;
}

/**
 * GET studio/live?db= : server-sent events. `ready` first (its `by` is empty), then `commit` after each commit by
 * anybody; commits within a tenth of a second are one. `end` {reason} before the server ends it. Last-Event-ID: a
 * commit missed meanwhile comes at once. The command `hoody-sqlite` stands for clients of this API.
 */
export interface StudioCommitEvent {
  /** ISO 8601. */
  readonly at: string;
  /** Programs that committed, where the mount knows them. */
  readonly by: readonly { readonly command: string; readonly pid: number; readonly container: string }[];
  readonly schemaVersion: string;
}

/** What a share link shows, and nothing else. */
export type StudioSharedView =
  | ({ readonly kind: 'table'; readonly columns?: readonly string[] } & StudioSelection)
  | { readonly kind: 'sql'; readonly sql: string; readonly chart?: string }
  | { readonly kind: 'key'; readonly table: string; readonly key: string; readonly history: boolean };
/** POST studio/shares */
export interface StudioShareRequest {
  readonly db: string;
  readonly title: string;
  readonly view: StudioSharedView;
  /** Seconds; at most 90 days. */
  readonly expiresIn: number;
}
export interface StudioShare {
  readonly id: string;
  readonly db: string;
  readonly title: string;
  readonly view: StudioSharedView;
  readonly created: string;
  readonly expires: string;
  /** Only in the answer that made it: the link is `/#share=TOKEN`, so that no log and no Referer has the token. */
  readonly token?: string;
}
/** GET studio/shares ; DELETE studio/shares/{id} revokes. */
export interface StudioShares {
  readonly shares: readonly StudioShare[];
}
/**
 * POST studio/shared with the header `Authorization: Bearer TOKEN` of a share: its data. Body: {from?} of a table as in
 * StudioRowsRequest, {version?} of a key; `{}` otherwise.
 */
export interface StudioShared {
  readonly share: StudioShare;
  readonly rows?: StudioRows;
  readonly result?: StudioResult;
  readonly value?: StudioKvValue;
  readonly history?: StudioKvHistory;
}

/** POST studio/sample?db= : a new database with a small shop: 8 tables, 50,000 rows, keys with history, a view. */
export interface StudioSample {
  readonly db: string;
}
