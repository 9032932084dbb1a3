// Bytes as people read them: base64 from the server to bytes, and a hex dump.

/** Bytes of one line of a hex dump. */
const lineBytes = 16;

export interface HexLine {
  /** Of its first byte, eight hex digits. */
  readonly offset: string;
  /** Two digits for each byte, with a wider gap in the middle. */
  readonly hex: string;
  /** Printable ASCII; a dot for everything else. */
  readonly text: string;
}

export function bytesFromBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function hexLines(bytes: Uint8Array): HexLine[] {
  const lines: HexLine[] = [];
  for (let start = 0; start < bytes.length; start += lineBytes) {
    const line = [...bytes.subarray(start, start + lineBytes)];
    const digits = line.map((byte) => byte.toString(16).padStart(2, '0'));
    const half = lineBytes / 2;
    lines.push({
      offset: start.toString(16).padStart(8, '0'),
      hex: [digits.slice(0, half).join(' '), digits.slice(half).join(' ')].join('  ').trimEnd(),
      text: line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    });
  }
  return lines;
}
