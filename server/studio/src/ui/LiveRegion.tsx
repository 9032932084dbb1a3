// What a screen reader is told: counts, errors, changes. At most one text a second; of several the last one is said.
import { signal } from '@preact/signals';

const spoken = signal('');
const pauseMs = 1000;
let next: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  next = text;
  if (timer !== undefined) return;
  const say = () => {
    timer = undefined;
    if (next === null) return;
    spoken.value = next;
    next = null;
    timer = setTimeout(say, pauseMs);
  };
  timer = setTimeout(say, 50);
}

/** Shown once by app.tsx. */
export function LiveRegion() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {spoken}
    </div>
  );
}
