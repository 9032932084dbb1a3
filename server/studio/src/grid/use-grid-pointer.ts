// What a mouse, a pen or a finger does to a grid: selects by click and by drag, and asks for menus.
import { useRef } from 'preact/hooks';
import { isSamePlace, type Place, type Selection, selectAt } from './selection.ts';

export interface GridPointerParts {
  readonly editing: Place | null;
  /** As of now, drawn or not. */
  readonly selection: () => Selection;
  readonly isSelected: (place: Place) => boolean;
  readonly select: (selection: Selection) => void;
  /** `at`: where its menu opens, if not at the cell. */
  readonly act: (action: 'head' | 'open' | 'column-menu' | 'cell-menu', place: Place, at?: DOMRect) => void;
}

export interface GridPointer {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerOver: (event: PointerEvent) => void;
  readonly onPointerUp: () => void;
  readonly onClick: (event: MouseEvent) => void;
  readonly onDblClick: (event: MouseEvent) => void;
  readonly onContextMenu: (event: MouseEvent) => void;
}

export function useGridPointer({ editing, selection, isSelected, select, act }: GridPointerParts): GridPointer {
  const dragFrom = useRef<Place | null>(null);
  return {
    onPointerDown(event) {
      const place = placeOf(event.target);
      if (place === null || event.button !== 0 || (editing && isSamePlace(place, editing))) return;
      if (event.pointerType === 'touch') return;
      dragFrom.current = event.shiftKey ? selection().anchor : place;
      select(selectAt(place, dragFrom.current));
      event.preventDefault();
    },
    onPointerOver(event) {
      if (dragFrom.current === null || (event.buttons & 1) === 0) return;
      const place = placeOf(event.target);
      if (place !== null && dragFrom.current.row >= 0 && place.row >= 0) select(selectAt(place, dragFrom.current));
    },
    onPointerUp() {
      dragFrom.current = null;
    },
    onClick(event) {
      const place = placeOf(event.target);
      if (place === null) return;
      const element = event.target as Element;
      if ((event as PointerEvent).pointerType === 'touch') select(selectAt(place));
      if (element.closest('[data-menu]') !== null) act('column-menu', place);
      else if (place.row === -1 && element.closest('.head-resize') === null) act('head', place);
    },
    onDblClick(event) {
      const place = placeOf(event.target);
      if (place !== null && place.row >= 0) act('open', place);
    },
    onContextMenu(event) {
      const place = placeOf(event.target);
      if (place === null || event.shiftKey || editing !== null) return;
      event.preventDefault();
      if (!isSelected(place)) select(selectAt(place));
      const at = new DOMRect(event.clientX, event.clientY, 0, 0);
      act(place.row === -1 ? 'column-menu' : 'cell-menu', place, at);
    },
  };
}

function placeOf(target: EventTarget | null): Place | null {
  const element = target instanceof Element ? target.closest<HTMLElement>('[data-place]') : null;
  const [row, column] = element?.dataset.place?.split(':').map(Number) ?? [];
  return row === undefined || column === undefined ? null : { row, column };
}
