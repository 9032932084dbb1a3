// The first page of a state that becomes the newest one again. Source: https://sqlite.org/fileformat2.html 1.3.

const fileChangeCounter = 24;
const sizeInPages = 28;
const schemaCookie = 40;
const versionValidFor = 92;
/** Of the file format: 2 is WAL, for writing and for reading. */
const [writeVersion, readVersion] = [18, 19];

/**
 * `wanted` with counters above every earlier value: by the schema cookie each open connection reads the schema anew and
 * prepares its statements again.
 */
export function firstPage(wanted: Buffer, newest: Buffer, databasePages: number): Buffer {
  const page = Buffer.from(wanted);
  const above = (at: number): number => (Math.max(wanted.readUInt32BE(at), newest.readUInt32BE(at)) + 1) >>> 0;
  page[writeVersion] = 2;
  page[readVersion] = 2;
  page.writeUInt32BE(above(fileChangeCounter), fileChangeCounter);
  page.writeUInt32BE(above(fileChangeCounter), versionValidFor);
  page.writeUInt32BE(above(schemaCookie), schemaCookie);
  page.writeUInt32BE(databasePages, sizeInPages);
  return page;
}
