// The server's route for imports. The file is the body, as it is.
import type { StudioCsvDelimiter, StudioImported } from '../../../messages/studio/files.ts';
import { request } from '../api/client.ts';
import { uploadBy } from '../api/upload.ts';
import type { ImportFormat } from './file.ts';

export interface ImportPlan {
  readonly db: string;
  readonly file: Blob;
  readonly format: ImportFormat;
  /** CSV: the first record names the columns. */
  readonly header: boolean;
  /** CSV; auto: by the first records, as the preview tells. */
  readonly delimiter: StudioCsvDelimiter | 'auto';
  readonly table: string;
  /** Make the table. */
  readonly create: boolean;
  /** Of the columns of a new table; null: as the server guesses. */
  readonly types: readonly string[] | null;
}

export interface ImportOptions {
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onSent: (bytes: number) => void;
}

/** @throws ApiError, AbortError */
export async function sendImport(plan: ImportPlan, options: ImportOptions): Promise<StudioImported> {
  const { db, file, format, header, delimiter, table, create, types } = plan;
  const { dryRun, signal, onSent } = options;
  const answer = await request('POST', 'studio/import', {
    query: { db, table, format, header, delimiter, create, dryRun, types: create ? (types?.join(',') ?? null) : null },
    body: file,
    signal,
    transport: uploadBy(onSent),
  });
  return (await answer.json()) as StudioImported;
}
