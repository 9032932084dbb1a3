// What a value weighs on its way between two processes.

/** Bytes, about: texts and buffers by their length, everything else by a few bytes. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 8;
  if (Array.isArray(value)) for (const item of value) bytes += weightOf(item);
  else for (const name in value) bytes += name.length + weightOf((value as Record<string, unknown>)[name]);
  return bytes;
}
