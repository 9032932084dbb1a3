// Frames as copies get them: a header of 24 bytes, then a page. Of the header, copies read the number of the page and,
// on the last frame of a transaction, the size of the database in pages; both big-endian, as in SQLite's log. Pure.

export const pageBytes = 4096;
const headerBytes = 24;
export const frameBytes = headerBytes + pageBytes;
/** Where page 1 says that the database has a write-ahead log: a copy has one, whatever the original has. */
const versionsAt = 18;
const walVersion = 2;

/** Pages as the archive writes them, each with its number before it, which is little-endian. */
export function framesOfPatch(patch: Buffer): Buffer {
  const count = patch.length / (4 + pageBytes);
  const frames = Buffer.alloc(count * frameBytes);
  for (let index = 0; index < count; index++) {
    const at = index * (4 + pageBytes);
    putFrame(frames, index, patch.readUInt32LE(at), patch.subarray(at + 4, at + 4 + pageBytes));
  }
  return frames;
}

export function putFrame(frames: Buffer, index: number, page: number, content: Buffer): void {
  const at = index * frameBytes;
  frames.writeUInt32BE(page, at);
  content.copy(frames, at + headerBytes);
  if (page === 1) markWal(frames, at + headerBytes);
}

/** The last of these frames ends a transaction, after which the database has so many pages. */
export function endTransaction(frames: Buffer, databasePages: number): void {
  frames.writeUInt32BE(databasePages, frames.length - frameBytes + 4);
}

/** Of a page 1 that begins there. */
export function markWal(bytes: Buffer, at: number): void {
  bytes.fill(walVersion, at + versionsAt, at + versionsAt + 2);
}
