// Commits by anybody, as they happen.

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
