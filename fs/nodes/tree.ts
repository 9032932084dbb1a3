// What every handler works on: the tables, the root of the backing directory, and the few steps that handlers share.
import type { Fence } from '../fence/fence.ts';
import { EIO, ENFILE, ENOENT } from '../protocol/results.ts';
import type { KeptState } from '../state/kept-state.ts';
import type { CurrentOperation } from '../state/operation.ts';
import type { Caller } from '../system/caller.ts';
import { close, emptyPath, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, openat } from '../system/files.ts';
import { failed, lastError } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxOffset, statxSize } from '../system/stat.ts';
import type { Capture } from './capture.ts';
import type { Errands } from './errands.ts';
import { HandleTable } from './handles.ts';
import { InodeNumbers, type SpaceStore } from './inode-numbers.ts';
import type { LastCloses } from './last-closes.ts';
import { Listings } from './listings.ts';
import { type DirectoryListener, inodeKey, type Node, NodeTable } from './nodes.ts';
import type { OwnChanges } from './own-changes.ts';
import type { Passthrough } from './passthrough.ts';
import type { Postponed } from './postponed.ts';
import { RamFiles } from './ram-files.ts';
import { RemovedDatabases } from './removed-databases.ts';
import type { Syncer } from './syncer.ts';

export interface Tree {
  readonly nodes: NodeTable;
  readonly files: HandleTable;
  readonly listings: Listings;
  readonly inodeNumbers: InodeNumbers;
  readonly ram: RamFiles;
  readonly removedDatabases: RemovedDatabases;
  readonly caller: Caller;
  readonly passthrough: Passthrough;
  readonly ownChanges: OwnChanges;
  readonly syncer: Syncer;
  readonly lastCloses: LastCloses;
  readonly errands: Errands;
  readonly postponed: Postponed;
  /** Set once, before the first request. undefined: no writes are captured. */
  capture: Capture | undefined;
  /** Which files programs of a dead mount still use. */
  readonly fence: Pick<Fence, 'covers'>;
  /** The kernel keeps the locks, so that a fence can only be kept up by refusing to open. */
  readonly refusesFenced: boolean;
  /** What is being done, for the case that this process dies in the middle of it. */
  readonly operation: CurrentOperation;
  /** Scratch for one statx call: valid until the next. */
  readonly stat: Buffer;
}

/** What a tree is made of that others make. */
export interface TreeParts
  extends Omit<
    Tree,
    'nodes' | 'files' | 'listings' | 'inodeNumbers' | 'ram' | 'removedDatabases' | 'operation' | 'stat' | 'capture'
  > {
  readonly inodeSpaces: SpaceStore;
  /** Absent: no file is in RAM. */
  readonly ram?: RamFiles;
  readonly keptState: KeptState;
  readonly directories: DirectoryListener | undefined;
  /** The kernel is to forget what it has read of a directory. Not to be told by the thread that answers it. */
  readonly forgetNames: (directory: Node) => void;
}

export function openTree(
  dataDir: string,
  { keptState, directories, inodeSpaces, forgetNames, ram = noRamFiles(dataDir), ...parts }: TreeParts,
): Tree {
  const fd = openat(AT_FDCWD, Buffer.from(`${dataDir}\0`), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) throw lastError('open', dataDir);
  const stat = Buffer.alloc(statxSize);
  if (!statAt(fd, emptyPath, AT_EMPTY_PATH, stat)) throw lastError('stat', dataDir);
  keptState.useMountOf(fd);
  const listings = new Listings(forgetNames);
  const inodeNumbers = new InodeNumbers(stat, inodeSpaces);
  ram.databases.numberWith(inodeNumbers);
  const { nodeStore: store, nextNodeId, nextHandleId, operation } = keptState;
  return {
    ...parts,
    operation,
    nodes: new NodeTable(
      { fd, key: inodeKey(stat) },
      {
        forgotten: (node) => {
          if (node.isDirectory) listings.closeAllOf(node);
          if (node.isNameless) parts.lastCloses.add(node.fd);
          else close(node.fd);
        },
        store,
        nextId: nextNodeId,
        directories,
      },
    ),
    files: new HandleTable(keptState.handleStore, nextHandleId),
    listings,
    inodeNumbers,
    ram,
    removedDatabases: new RemovedDatabases(),
    stat,
    capture: undefined,
  };
}

function noRamFiles(dataDir: string): RamFiles {
  return new RamFiles(dataDir, undefined, () => {});
}

/**
 * Before a name is made: a repeat of the request, after this process has died, must tell its own work from somebody
 * else's.
 */
export function noteMaking({ operation, ram, stat }: Tree, parent: Node, name: Buffer): void {
  operation.intendToMake(statAt(ram.directoryOf(parent, name), name, AT_SYMLINK_NOFOLLOW, stat));
}

/**
 * The node of a name, made if the kernel does not know it yet, or a negative errno. Afterwards tree.stat describes it.
 * Links are never followed, and the name is a single component: nothing outside of the parent can be reached.
 */
export function resolve(tree: Tree, parent: Node, name: Buffer): Node | number {
  const { nodes, ram, stat } = tree;
  const directory = ram.directoryOf(parent, name);
  if (!statAt(directory, name, AT_SYMLINK_NOFOLLOW, stat)) {
    const error = failed();
    if (directory === parent.fd || error !== -ENOENT) return error;
    const loss = ram.lose(parent, name, (key) => (nodes.find(key)?.opens ?? 0) > 0);
    return loss === 'absent' ? -ENOENT : loss === 'open' ? -EIO : resolve(tree, parent, name);
  }
  // A node's descriptor pins its inode, so the number cannot have been given to another file.
  const known = nodes.find(inodeKey(stat));
  if (known !== undefined) return called(tree, known, parent, name);
  const fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return failed();
  const node = adopt(tree, fd);
  return typeof node === 'number' ? node : called(tree, node, parent, name);
}

/** tree.stat describes the node. */
export function called({ stat }: Tree, node: Node, parent: Node, name: Buffer): Node {
  node.called(parent, name, stat.readUInt32LE(statxOffset.nlink));
  return node;
}

/**
 * The node of an O_PATH descriptor, which belongs to the table afterwards, or a negative errno. tree.stat describes it.
 */
export function adopt(tree: Tree, fd: number): Node | number {
  const { nodes, stat } = tree;
  if (!statAt(fd, emptyPath, AT_EMPTY_PATH, stat)) {
    const error = failed();
    close(fd);
    return error;
  }
  const key = inodeKey(stat);
  const known = nodes.find(key);
  if (known === undefined && nodes.hasRoom()) {
    return nodes.add(key, fd, isDirectory(stat), tree.inodeNumbers.spaceOf(stat, fd));
  }
  close(fd);
  return known ?? -ENFILE;
}

function isDirectory(stat: Buffer): boolean {
  return (stat.readUInt16LE(statxOffset.mode) & 0o170000) === 0o040000;
}
