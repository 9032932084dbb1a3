// Two panes with a bar between that is dragged, or moved by arrows (W3C APG window splitter).
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { readNumber, savedSignal } from '../storage.ts';

interface Props {
  /** Under this name the place of the bar is kept. */
  readonly name: string;
  readonly label: string;
  /** `rows`: one above the other. */
  readonly direction: 'rows' | 'columns';
  /** The first pane's part of the whole, in percent. */
  readonly initial?: number;
  readonly first: ComponentChildren;
  readonly second: ComponentChildren;
}

const smallest = 10;
const largest = 90;
const places = new Map<string, ReturnType<typeof savedSignal<number>>>();

function placeOf(name: string, initial: number) {
  const known = places.get(name);
  if (known !== undefined) return known;
  const made = savedSignal(`split:${name}`, initial, readNumber);
  places.set(name, made);
  return made;
}

export function SplitPane({ name, label, direction, initial = 50, first, second }: Props) {
  const place = placeOf(name, initial);
  const pane = useRef<HTMLDivElement>(null);
  const set = (percent: number) => {
    place.value = Math.round(Math.min(largest, Math.max(smallest, percent)) * 10) / 10;
  };
  const percent = place.value;
  useEffect(() => pane.current?.style.setProperty('--split', `${percent}%`), [percent]);
  const drag = (event: PointerEvent) => {
    const bar = event.currentTarget as HTMLElement;
    if (!bar.hasPointerCapture(event.pointerId) || pane.current === null) return;
    const { left, top, width, height } = pane.current.getBoundingClientRect();
    set(direction === 'rows' ? ((event.clientY - top) / height) * 100 : ((event.clientX - left) / width) * 100);
  };
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === 'ArrowUp' || key === 'ArrowLeft') set(percent - 5);
    if (key === 'ArrowDown' || key === 'ArrowRight') set(percent + 5);
  };
  return (
    <div ref={pane} class={`split split-${direction}`}>
      <div class="split-first">{first}</div>
      {/* biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved; this is the APG's window splitter */}
      <div
        class="split-bar"
        role="separator"
        tabIndex={0}
        aria-label={label}
        aria-orientation={direction === 'rows' ? 'horizontal' : 'vertical'}
        aria-valuenow={Math.round(percent)}
        aria-valuemin={smallest}
        aria-valuemax={largest}
        onPointerDown={(event) => (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={onKeyDown}
      />
      <div class="split-second">{second}</div>
    </div>
  );
}
