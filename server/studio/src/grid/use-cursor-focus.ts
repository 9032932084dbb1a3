// Keeps the focus of the page on the cell with the cursor of a grid, which is drawn anew all the time.
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Place } from './selection.ts';

export interface CursorFocus {
  /** Focuses the cell at once if it is drawn, else as soon as it is. */
  readonly move: (place: Place) => void;
  /** The focus is in the grid: it goes along with a cursor that is moved from elsewhere. */
  readonly follow: () => void;
  readonly onFocusIn: () => void;
  readonly onFocusOut: (event: FocusEvent) => void;
}

export function useCursorFocus(grid: RefObject<HTMLElement | null>, cursor: Place, editing: Place | null): CursorFocus {
  const focus = (place: Place) => cellAt(grid, place)?.focus({ preventScroll: true });

  const isWanted = useRef(false);
  useLayoutEffect(() => {
    if (!isWanted.current || editing !== null) return;
    isWanted.current = false;
    focus(cursor);
  });

  // Where the cell with the focus goes away with its row, the focus goes to the one that takes its place.
  const hasFocus = useRef(false);
  useLayoutEffect(() => {
    if (hasFocus.current && editing === null && document.activeElement === document.body) focus(cursor);
  });

  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    if (wasEditing.current && editing === null && document.activeElement === document.body) focus(cursor);
    wasEditing.current = editing !== null;
  }, [editing === null]);

  return {
    move(place) {
      isWanted.current = true;
      focus(place); // the next key may come before the page is drawn again
    },
    follow() {
      if (grid.current?.contains(document.activeElement) && editing === null) focus(cursor);
    },
    onFocusIn() {
      hasFocus.current = true;
    },
    onFocusOut(event) {
      const isGone = !(event.target as Element).isConnected;
      const isInside = grid.current?.contains(event.relatedTarget as Node | null) ?? false;
      if (!isGone && !isInside) hasFocus.current = false;
    },
  };
}

/** null where it is not drawn. */
export function cellAt(grid: RefObject<HTMLElement | null>, { row, column }: Place): HTMLElement | null {
  return grid.current?.querySelector(`[data-place="${row}:${column}"]`) ?? null;
}
