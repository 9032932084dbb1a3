// Hands bytes to the browser as a file.

/** Letters and digits of any script, dots, dashes and underscores: what every system takes. */
export function plainFileName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_');
}

export function saveFile(name: string, bytes: Blob): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement('a');
  link.href = url;
  link.download = plainFileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
