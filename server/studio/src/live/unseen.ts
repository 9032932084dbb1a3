// How many commits of others a view has not shown yet. With follow mode the view reads again by itself instead.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useAfterCommits } from './after-commits.ts';
import { type Feed, following } from './feed.ts';

export interface Unseen {
  readonly feed: Feed;
  /** Commits of others since the view last read. */
  readonly count: number;
  /** Reads again and forgets the count. */
  readonly show: () => void;
}

/** `read` reads the view's data again; false: it did not show them, and they stay unseen. */
export function useUnseen(db: string, read: () => Promise<unknown> | unknown): Unseen {
  const show = async () => {
    const upTo = feed.others.peek();
    if ((await read()) !== false) seen.value = upTo;
  };
  const feed = useAfterCommits(db, () => (following.peek() ? show() : undefined));
  const seen = useSignal(feed.others.peek());
  useEffect(() => {
    seen.value = feed.others.peek();
  }, [feed]);
  return { feed, count: Math.max(0, feed.others.value - seen.value), show: () => void show() };
}
