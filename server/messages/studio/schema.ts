// Databases, tables and columns, as the studio is told of them.

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
