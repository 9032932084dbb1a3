// How the names below bars stand: side by side where all of them have room, else turned, so that each is read. Pure.

const letterPx = 7;
/** Room that a turned name needs beside the next one. */
const turnedPx = 16;
/** A longer one is cut: bars keep most of the height. The table beside the chart has all of it. */
const mostLetters = 18;

export interface LabelPlan {
  /** Degrees; 0 for names side by side. */
  readonly turn: number;
  /** Of the axis, in pixels. */
  readonly height: number;
  /** At least so many pixels from one name to the next: where bars are closer, some have none. */
  readonly space: number;
  readonly shown: (label: string) => string;
}

/** For names that share so many pixels. */
export function labelPlan(labels: readonly string[], width: number): LabelPlan {
  const lengths = labels.map((label) => label.length);
  const longest = Math.min(mostLetters, Math.max(0, ...lengths));
  const isTurned = (longest + 1) * letterPx > width / Math.max(1, labels.length);
  return {
    turn: isTurned ? 45 : 0,
    height: isTurned ? Math.ceil(longest * letterPx * Math.SQRT1_2) + 20 : 50,
    space: isTurned ? turnedPx : 0,
    shown: (label) => (label.length <= mostLetters ? label : `${label.slice(0, mostLetters - 1)}\u2026`),
  };
}
