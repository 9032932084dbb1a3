// A cell and the key of a row, as the page and the server say them to each other. Types only, as in this whole folder.

/**
 * A cell without loss. INTEGER is decimal text, because JavaScript's numbers end at 2^53; REAL is text, so that Inf and
 * every digit survive. A value longer than the cut of its request shows its beginning and its whole length in bytes.
 */
export type StudioValue =
  | null
  /** TEXT, whole. */
  | string
  | { readonly int: string }
  | { readonly real: string }
  /** The beginning of a long TEXT, cut between two characters. */
  | { readonly text: string; readonly bytes: number }
  /** BLOB as base64; `bytes` is the whole length, more than `blob` holds where it is cut. */
  | { readonly blob: string; readonly bytes: number }
  /** TEXT that is not UTF-8: its bytes as base64. Read only, like everything that is cut. */
  | { readonly badText: string; readonly bytes: number };

/** The key columns' values of one row, in the order of `StudioKey.columns`. */
export type StudioRowKey = readonly StudioValue[];
