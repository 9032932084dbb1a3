// Text that is no text: a JSON string may hold half of a surrogate pair, for which there is no UTF-8.

/** What is wrong with a text, as the end of a sentence about it, or null. */
export function unicodeProblem(text: string): string | null {
  const at = text.search(/\p{Surrogate}/u);
  return at < 0 ? null : `is not valid Unicode: it has half of a surrogate pair at position ${at + 1}`;
}

/** With U+FFFD in place of each such half: for what is only shown, and may have been cut in the middle of a pair. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
