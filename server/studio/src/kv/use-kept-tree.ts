// Makes the store of a tree of keys, as the tree was left, and keeps it when it is left again.
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { keepTree, keptTree } from './kept-trees.ts';
import { type TreePlace, TreeStore } from './tree-store.ts';

/** `delimiter` null: whatever most keys have. `box` is around the tree; on a phone the page scrolls instead of it. */
export function useKeptTree(
  { db, table, search }: TreePlace,
  delimiter: string | null,
  box: { readonly current: HTMLElement | null },
): TreeStore {
  const name = JSON.stringify([db, table, search, delimiter]);
  const kept = useMemo(() => keptTree(name), [name]);
  const store = useMemo(() => new TreeStore({ db, table, search }, delimiter, kept), [name]);
  const top = useRef(0);
  useLayoutEffect(() => {
    const scroller = scrollerOf(box.current);
    if (scroller === null) return;
    scroller.scrollTop = kept?.top ?? 0;
    top.current = scroller.scrollTop;
    // Told in time: when the tree is gone, the scroller holds something else.
    const onScroll = () => {
      top.current = scroller.scrollTop;
    };
    scroller.addEventListener('scroll', onScroll, { passive: true });
    return () => scroller.removeEventListener('scroll', onScroll);
  }, [store]);
  useEffect(
    () => () => {
      const tree = store.tree.peek();
      if (tree.levels.get('')?.state === 'ready') {
        keepTree(name, { tree, delimiter: store.delimiter.peek() ?? '', top: top.current });
      }
    },
    [store],
  );
  return store;
}

function scrollerOf(box: HTMLElement | null): HTMLElement | null {
  if (box === null) return null;
  return getComputedStyle(box).overflowY === 'visible' ? box.closest<HTMLElement>('.main') : box;
}
