// The first page of a state that becomes the newest one again. Source: https://sqlite.org/fileformat2.html 1.3.
import type { Journal } from '../messages/rewinder.ts';

const fileChangeCounter = 24;
const sizeInPages = 28;
const schemaCookie = 40;
const versionValidFor = 92;
/** Of the file format, for writing and for reading. */
const [writeVersion, readVersion] = [18, 19];
const versions: Readonly<Record<Journal, number>> = { rollback: 1, wal: 2 };

/**
 * `wanted` with counters above every earlier value: by the schema cookie each open connection reads the schema anew and
 * prepares its statements again.
 */
export function firstPage(wanted: Buffer, newest: Buffer, databasePages: number, journal: Journal): Buffer {
  const page = Buffer.from(wanted);
  const above = (at: number): number => (Math.max(wanted.readUInt32BE(at), newest.readUInt32BE(at)) + 1) >>> 0;
  page[writeVersion] = versions[journal];
  page[readVersion] = versions[journal];
  page.writeUInt32BE(above(fileChangeCounter), fileChangeCounter);
  page.writeUInt32BE(above(fileChangeCounter), versionValidFor);
  page.writeUInt32BE(above(schemaCookie), schemaCookie);
  page.writeUInt32BE(databasePages, sizeInPages);
  return page;
}

/** Whether only what `firstPage` changes differs. */
export function isSameButCounters(one: Buffer, other: Buffer): boolean {
  const copies = [Buffer.from(one), Buffer.from(other)] as const;
  for (const copy of copies) {
    copy.fill(0, writeVersion, readVersion + 1);
    for (const at of [fileChangeCounter, versionValidFor, schemaCookie, sizeInPages]) copy.fill(0, at, at + 4);
  }
  return copies[0].equals(copies[1]);
}
