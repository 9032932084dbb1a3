// Passes on at most one value for each frame: the newest. A stream of hundreds of events a second is drawn no faster
// than the screen, and not at all in a tab that nobody sees.

export interface Frames<Value> {
  push(value: Value): void;
  stop(): void;
}

/** `schedule` and `cancel` are requestAnimationFrame and its counterpart. */
export function latestPerFrame<Value>(
  draw: (value: Value) => void,
  schedule: (callback: () => void) => number,
  cancel: (id: number) => void,
): Frames<Value> {
  let waiting: { readonly value: Value } | undefined;
  let frame: number | undefined;
  return {
    push(value) {
      waiting = { value };
      frame ??= schedule(() => {
        frame = undefined;
        const newest = waiting;
        waiting = undefined;
        if (newest) draw(newest.value);
      });
    },
    stop() {
      if (frame !== undefined) cancel(frame);
      frame = undefined;
      waiting = undefined;
    },
  };
}
