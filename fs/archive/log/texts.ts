// Command, container and reason of a commit, which its record names by number.
import type { CommitRecord } from './commit-record.ts';

/** '' where there is none. */
export function textsOf(record: CommitRecord, texts: readonly string[]): string[] {
  return [record.command, record.container, record.reason].map((id) => (id === 0 ? '' : (texts[id - 1] ?? '')));
}
