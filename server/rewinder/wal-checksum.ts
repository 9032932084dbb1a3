// The running checksum of a write-ahead log: two 32-bit sums over pairs of words. The WAL's magic number says in which
// byte order words are read, that of the machine that began the log. Source: https://sqlite.org/walformat.html 4.2.

export type Sums = readonly [number, number];

/** @param words an even number of them */
export function addToSums([first, second]: Sums, words: Int32Array, isSwapped: boolean): Sums {
  let [one, other] = [first, second];
  for (let at = 0; at < words.length; at += 2) {
    const [left, right] = [words[at] ?? 0, words[at + 1] ?? 0];
    one = (one + (isSwapped ? swapped(left) : left) + other) | 0;
    other = (other + (isSwapped ? swapped(right) : right) + one) | 0;
  }
  return [one, other];
}

function swapped(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
