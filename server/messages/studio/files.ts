// Files into a database and out of it, and the sample.
import type { StudioSelection } from './rows.ts';
import type { StudioSqlRequest } from './sql.ts';
import type { StudioValue } from './values.ts';

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

/** POST studio/sample?db= : a new database with a small shop: 8 tables, 50,000 rows, keys with history, a view. */
export interface StudioSample {
  readonly db: string;
}
