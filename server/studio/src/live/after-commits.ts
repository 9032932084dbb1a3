// Calls a function after commits of others: one call at a time, and one more for whatever came meanwhile.
import { useEffect, useRef } from 'preact/hooks';
import { type Feed, useFeed } from './feed.ts';

export function useAfterCommits(db: string, handle: () => Promise<unknown> | unknown): Feed {
  const feed = useFeed(db);
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    let handled = feed.others.peek();
    let isRunning = false;
    let isOver = false;
    const run = async () => {
      if (isRunning) return;
      isRunning = true;
      while (!isOver && handled !== feed.others.peek()) {
        handled = feed.others.peek();
        await latest.current();
      }
      isRunning = false;
    };
    const stop = feed.others.subscribe(() => void run());
    return () => {
      isOver = true;
      stop();
    };
  }, [feed]);
  return feed;
}
