// The kernel's structs as byte offsets (include/uapi/linux/fuse.h). Each is declared field by field in the kernel's
// order, and its size is asserted against the kernel's when this module is loaded.

const fieldSizes = { u16: 2, u32: 4, u64: 8 } as const;
type FieldType = keyof typeof fieldSizes;
type Offsets<Fields> = { readonly [Name in keyof Fields]: number } & { readonly sizeBytes: number };

function struct<const Fields extends Record<string, FieldType>>(sizeBytes: number, fields: Fields): Offsets<Fields> {
  let offset = 0;
  const offsets: Record<string, number> = {};
  for (const [name, type] of Object.entries(fields)) {
    const size = fieldSizes[type];
    if (offset % size !== 0) throw new Error(`layout: ${name} is not aligned`);
    offsets[name] = offset;
    offset += size;
  }
  if (offset !== sizeBytes) throw new Error(`layout: ${offset} bytes, the kernel has ${sizeBytes}`);
  return { ...offsets, sizeBytes } as Offsets<Fields>;
}

export const inHeader = struct(40, {
  len: 'u32',
  opcode: 'u32',
  unique: 'u64',
  nodeId: 'u64',
  uid: 'u32',
  gid: 'u32',
  pid: 'u32',
  totalExtLen: 'u16',
  padding: 'u16',
});
export const outHeader = struct(16, { len: 'u32', error: 'u32', unique: 'u64' });

export const initIn = struct(64, {
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
  flags2: 'u32',
  ...repeat('unused', 11),
});
/** What kernels before 7.36 send. */
export const initInShortBytes = 16;
export const initOut = struct(64, {
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
  maxBackground: 'u16',
  congestionThreshold: 'u16',
  maxWrite: 'u32',
  timeGran: 'u32',
  maxPages: 'u16',
  mapAlignment: 'u16',
  flags2: 'u32',
  maxStackDepth: 'u32',
  ...repeat('unused', 6),
});

export const attr = struct(88, {
  ino: 'u64',
  size: 'u64',
  blocks: 'u64',
  atime: 'u64',
  mtime: 'u64',
  ctime: 'u64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  rdev: 'u32',
  blksize: 'u32',
  flags: 'u32',
});
/** Followed by an attr. */
export const entryOut = struct(40, {
  nodeId: 'u64',
  generation: 'u64',
  entryValid: 'u64',
  attrValid: 'u64',
  entryValidNsec: 'u32',
  attrValidNsec: 'u32',
});
/** Followed by an attr. */
export const attrOut = struct(16, { attrValid: 'u64', attrValidNsec: 'u32', dummy: 'u32' });
export const openOut = struct(16, { fh: 'u64', openFlags: 'u32', backingId: 'u32' });
export const writeOut = struct(8, { size: 'u32', padding: 'u32' });
export const lseekOut = struct(8, { offset: 'u64' });
export const statfsOut = struct(80, {
  blocks: 'u64',
  bfree: 'u64',
  bavail: 'u64',
  files: 'u64',
  ffree: 'u64',
  bsize: 'u32',
  namelen: 'u32',
  frsize: 'u32',
  ...repeat('unused', 7),
});
/** Followed by the name, without a zero, padded to 8 bytes. */
export const dirent = struct(24, { ino: 'u64', off: 'u64', namelen: 'u32', type: 'u32' });
export const lockOut = struct(24, { start: 'u64', end: 'u64', type: 'u32', pid: 'u32' });

export const forgetIn = struct(8, { count: 'u64' });
export const forgetOne = struct(16, { nodeId: 'u64', count: 'u64' });
export const batchForgetIn = struct(8, { count: 'u32', dummy: 'u32' });
export const getattrIn = struct(16, { flags: 'u32', dummy: 'u32', fh: 'u64' });
export const setattrIn = struct(88, {
  valid: 'u32',
  padding: 'u32',
  fh: 'u64',
  size: 'u64',
  lockOwner: 'u64',
  atime: 'u64',
  mtime: 'u64',
  ctime: 'u64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  unused4: 'u32',
  uid: 'u32',
  gid: 'u32',
  unused5: 'u32',
});
export const mknodIn = struct(16, { mode: 'u32', rdev: 'u32', umask: 'u32', padding: 'u32' });
export const mkdirIn = struct(8, { mode: 'u32', umask: 'u32' });
export const renameIn = struct(8, { newParent: 'u64' });
export const rename2In = struct(16, { newParent: 'u64', flags: 'u32', padding: 'u32' });
export const linkIn = struct(8, { oldNodeId: 'u64' });
export const openIn = struct(8, { flags: 'u32', openFlags: 'u32' });
export const createIn = struct(16, { flags: 'u32', mode: 'u32', umask: 'u32', openFlags: 'u32' });
export const releaseIn = struct(24, { fh: 'u64', flags: 'u32', releaseFlags: 'u32', lockOwner: 'u64' });
export const flushIn = struct(24, { fh: 'u64', unused: 'u32', padding: 'u32', lockOwner: 'u64' });
/** READ, READDIR and READDIRPLUS. */
export const readIn = struct(40, {
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  readFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});
/** Followed by the data. */
export const writeIn = struct(40, {
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  writeFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});
/** FSYNC and FSYNCDIR. */
export const fsyncIn = struct(16, { fh: 'u64', flags: 'u32', padding: 'u32' });
/** GETLK, SETLK and SETLKW. `end` is inclusive. */
export const lockIn = struct(48, {
  fh: 'u64',
  owner: 'u64',
  start: 'u64',
  end: 'u64',
  type: 'u32',
  pid: 'u32',
  flags: 'u32',
  padding: 'u32',
});
export const interruptIn = struct(8, { unique: 'u64' });
export const fallocateIn = struct(32, { fh: 'u64', offset: 'u64', length: 'u64', mode: 'u32', padding: 'u32' });
export const lseekIn = struct(24, { fh: 'u64', offset: 'u64', whence: 'u32', padding: 'u32' });
export const copyFileRangeIn = struct(56, {
  fhIn: 'u64',
  offsetIn: 'u64',
  nodeIdOut: 'u64',
  fhOut: 'u64',
  offsetOut: 'u64',
  length: 'u64',
  flags: 'u64',
});

export const notifyInvalInode = struct(24, { nodeId: 'u64', offset: 'u64', length: 'u64' });
/** Followed by the name and a zero byte. */
export const notifyInvalEntry = struct(16, { parent: 'u64', namelen: 'u32', flags: 'u32' });
/** Followed by the node ids. */
export const notifyPrune = struct(16, { count: 'u32', padding: 'u32', spare: 'u64' });

function repeat(name: string, count: number): Record<string, 'u32'> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, 'u32' as const]));
}
