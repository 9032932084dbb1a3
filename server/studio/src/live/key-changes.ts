// Which keys change, as the public feed of each key-value table tells: lines for the log of commits.
import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { subscribe } from '../api/events.ts';
import { keptCommits } from './feed.ts';

export interface KeyChange {
  readonly id: string;
  /** When the page heard of it. */
  readonly atMs: number;
  readonly table: string;
  readonly key: string;
  /** `set`, `ttl`, `delete`, `expire`. */
  readonly operation: string;
}

/** A stream for each; more tables than this are not followed. */
const mostTables = 3;

/** Newest first. `tables` is a list of names. */
export function useKeyChanges(db: string, tables: readonly string[]): ReadonlySignal<readonly KeyChange[]> {
  const changes = useMemo(() => signal<readonly KeyChange[]>([]), [db]);
  const followed = tables.slice(0, mostTables);
  useEffect(() => {
    const stops = followed.map((table) =>
      subscribe(
        'changes/stream',
        { db, table },
        {
          onEvent: ({ event, data, id }) => {
            if (event !== 'change') return;
            const { key, op } = JSON.parse(data) as { readonly key: string; readonly op: string };
            const change = { id: `${table} ${id}`, atMs: Date.now(), table, key, operation: op };
            changes.value = [change, ...changes.peek()].slice(0, keptCommits);
          },
        },
      ),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }, [db, followed.join('\n')]);
  return changes;
}
