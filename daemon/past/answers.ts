// What the server answers about the past of a database, as far as the commands show it. The API describes the rest.

export interface ShownMoment {
  readonly bookmark: string;
  /** ISO 8601. */
  readonly time: string;
}

export interface ShownWriter {
  readonly pid: number;
  readonly command: string;
  readonly container: string;
}

export interface ShownCommit extends ShownMoment {
  readonly kind: 'commit' | 'base' | 'resync';
  readonly writer: ShownWriter | null;
  readonly pages: number;
  readonly tables?: readonly string[];
  readonly reason?: string;
  readonly rewound_to?: string;
}

export interface HistoryAnswer {
  readonly commits: readonly ShownCommit[];
  /** The next page of the list is what comes before this bookmark; null: there is none. */
  readonly next_before: string | null;
  /** Older commits are listed, but their states cannot be had any more, or not yet; null: none can. */
  readonly oldest: ShownMoment | null;
}

type Row = Readonly<Record<string, unknown>>;

export interface RowDifference {
  readonly op: 'added' | 'removed' | 'changed';
  readonly from: Row | null;
  readonly to: Row | null;
}

/** All but the name is absent where only pages were compared. */
export interface TableDifference {
  readonly table: string;
  readonly change?: 'created' | 'dropped' | 'changed';
  readonly rows_added?: number;
  readonly rows_removed?: number;
  readonly rows_changed?: number;
  readonly columns_added?: readonly string[];
  readonly columns_removed?: readonly string[];
  readonly rows?: readonly RowDifference[];
  readonly rows_truncated?: boolean;
}

/** An index, a view or a trigger. */
export interface ObjectDifference {
  readonly type: string;
  readonly name: string;
  readonly change: string;
}

export interface Difference {
  readonly from: ShownMoment;
  readonly to: ShownMoment;
  /** False where the comparison took too long: then there may be more. */
  readonly is_complete: boolean;
  readonly tables: readonly TableDifference[];
  readonly objects: readonly ObjectDifference[];
}

/** The dry run of a rewind: what differs between now (`from`) and then (`to`). */
export interface PlannedRewind extends Difference {
  readonly commits_undone: number;
  readonly open_by: readonly ShownWriter[];
}

export interface DoneRewind {
  readonly to: ShownMoment;
  /** False where the database was in that state already. */
  readonly changed: boolean;
  readonly previous_bookmark: string;
}

export interface ForkAnswer {
  readonly moment: ShownMoment;
  /** In bytes. */
  readonly size: number;
}

export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly resultSet: readonly Row[] | null;
  readonly truncated: boolean;
}
