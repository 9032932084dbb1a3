// Numbers into bins of equal, round width. Pure.

export interface Bin {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive, but for the last bin. */
  readonly to: number;
  readonly count: number;
}

/** About the square root of the count, at most `most`. */
export function histogram(numbers: readonly number[], most = 40): Bin[] {
  if (numbers.length === 0) return [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  if (low === high) return [{ from: low, to: high, count: numbers.length }];
  const wanted = Math.min(most, Math.max(5, Math.ceil(Math.sqrt(numbers.length))));
  const width = roundStep((high - low) / wanted);
  const first = Math.floor(low / width);
  const counts = new Array<number>(Math.floor(high / width) - first + 1).fill(0);
  for (const number of numbers) {
    const bin = Math.floor(number / width) - first;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, place) => ({
    from: tidy((first + place) * width),
    to: tidy((first + place + 1) * width),
    count,
  }));
}

/** The next larger of 1, 2, 2.5, 5, 10 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= step) ?? 10;
  return factor * power;
}

/** 0.30000000000000004 is 0.3 for a reader. */
function tidy(number: number): number {
  return Number(number.toPrecision(12));
}
