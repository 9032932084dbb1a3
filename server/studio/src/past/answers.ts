// What the server answers about the past of a database, as far as the page reads it (docs/time-machine.md).

export interface Moment {
  readonly bookmark: string;
  readonly number: number;
  readonly time: string;
}

export interface Commit extends Moment {
  readonly kind: 'commit' | 'base' | 'resync';
  readonly writer: { readonly pid: number; readonly command: string; readonly container: string } | null;
  readonly pages: number;
  readonly page_size: number;
  readonly tables?: readonly string[];
  readonly reason?: string;
  readonly rewound_to?: string;
}

export interface CommitPage {
  readonly commits: readonly Commit[];
  readonly next_before: string | null;
  readonly oldest: Moment | null;
}

export interface TableChange {
  readonly table: string;
  readonly change?: 'created' | 'dropped' | 'changed';
  readonly rows_added?: number;
  readonly rows_removed?: number;
  readonly rows_changed?: number;
}

export interface RowChange {
  readonly op: 'added' | 'removed' | 'changed';
  readonly key: Readonly<Record<string, unknown>>;
  readonly from: Readonly<Record<string, unknown>> | null;
  readonly to: Readonly<Record<string, unknown>> | null;
}

export interface Difference {
  readonly from: Moment;
  readonly to: Moment;
  readonly is_complete: boolean;
  /** Definitions of tables, indexes, views and triggers. */
  readonly objects: readonly {
    readonly type: string;
    readonly name: string;
    readonly change: 'created' | 'dropped' | 'changed';
  }[];
  readonly tables: readonly (TableChange & { readonly rows: readonly RowChange[]; readonly rows_truncated: boolean })[];
}

export interface RewindPreview {
  readonly to: Moment;
  readonly commits_undone: number;
  readonly is_complete: boolean;
  readonly tables: readonly TableChange[];
  readonly open_by: readonly { readonly command: string; readonly pid: number; readonly container: string }[];
}
