// Where everything lies in the memory that outlives the fs process. A process of another version refuses to read it, so
// any change here needs a new version. Sizes are generous: pages that were never written take no memory.

/** "hoSQ", little-endian. */
export const magic = 0x51536f68;
export const layoutVersion = 6;

export interface Section {
  readonly startByte: number;
  readonly slotBytes: number;
  readonly slots: number;
}

const pageBytes = 4096;

/** Fields of the first page, as 32-bit words. */
export const headerWord = {
  magic: 0,
  version: 1,
  generation: 2,
  phase: 3,
  passthrough: 4,
  locks: 5,
  surveyed: 6,
  /** 1 while commits are recorded for the archive process. */
  archiving: 7,
  /** When the archive process was last seen alive, in seconds since the host began; 0: never. */
  archiveBeatS: 8,
} as const;
/** Fields of the first page, as doubles (index = byte / 8). */
export const headerDouble = { nextNodeId: 32, nextHandleId: 33 } as const;

export const operationPage: Section = { startByte: pageBytes, slotBytes: pageBytes, slots: 1 };
/** Requests served, by opcode: one double each. */
export const countsPage: Section = { startByte: 2 * pageBytes, slotBytes: pageBytes, slots: 1 };

/** A section begins with one page that holds its high-water mark. */
export const nodeSection: Section = section(3 * pageBytes, 128, 1 << 20);
export const handleSection: Section = section(endOf(nodeSection), 64, 1 << 18);
export const lockSection: Section = section(endOf(handleSection), 1024, 1 << 15);
export const waiterSection: Section = section(endOf(lockSection), 32, 1 << 15);
export const fenceSection: Section = section(endOf(waiterSection), 4096, 1 << 14);
/** A ring: the record of commit N lies in slot (N - 1) % slots. */
export const commitSection: Section = section(endOf(fenceSection), 128, 1 << 16);
/** A ring as well, of those who made these commits. */
export const writerSection: Section = section(endOf(commitSection), 512, 1 << 12);
/** A hash table by inode. */
export const positionSection: Section = section(endOf(writerSection), 64, 1 << 14);
/** A ring of bytes: what was written to databases whose writes are captured. */
export const captureSection: Section = section(endOf(positionSection), 4096, 1 << 14);
export const stateBytes = endOf(captureSection);

function section(startByte: number, slotBytes: number, slots: number): Section {
  return { startByte, slotBytes, slots };
}

function endOf({ startByte, slotBytes, slots }: Section): number {
  return startByte + pageBytes + slotBytes * slots;
}

/** First byte of the slots of a section. */
export function firstSlotByte({ startByte }: Section): number {
  return startByte + pageBytes;
}
