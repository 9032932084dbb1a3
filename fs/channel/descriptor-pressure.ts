// Every inode that the kernel knows costs a descriptor, and the kernel forgets them only when it is short of memory
// itself. Long before descriptors run out it is told to forget those that have been there longest and that nobody has
// open, and whoever goes on asking for new ones faster than it forgets is held back: `ls -l` in a large directory is.
import type { Node } from '../nodes/nodes.ts';
import { inodeKey } from '../nodes/nodes.ts';
import type { Tree } from '../nodes/tree.ts';
import { encodeInvalidateEntry, encodePrune } from '../protocol/encode.ts';
import { rootNodeId } from '../protocol/requests.ts';
import { PATH_MAX, pathOfDescriptor, readlinkat } from '../system/files.ts';
import { AT_FDCWD, statAt } from '../system/stat.ts';

/** Shares of the limit: the rest is for open files, lock mirrors and what comes while the kernel forgets. */
const highWater = 0.5;
const lowWater = 0.4;
/** From the first on a new node costs a pause, in which the kernel forgets others; the pause grows until the second. */
const narrow = 0.6;
const full = 0.9;
const longestPauseMs = 20;
/** Where hardly anything could be forgotten, because programs have it open, the next attempt waits for so many more. */
const step = 0.05;
/**
 * So many at a time, so that the thread that tells the kernel has time for other things; by name, where finding each
 * takes some us, fewer.
 */
const mostNodes = 2000;
const mostNames = 500;

export class DescriptorPressure {
  readonly #highNodes: number;
  readonly #lowNodes: number;
  readonly #narrowNodes: number;
  readonly #fullNodes: number;
  readonly #stepNodes: number;
  readonly #takesPrune: boolean;
  readonly #path = Buffer.alloc(PATH_MAX);
  #isBeingRelieved = false;
  #reliefNodes: number;
  #lastNodes = 0;

  /** `takesPrune`: the kernel can forget inodes by number, without a name and without the lock of its directory. */
  constructor(descriptorLimit: number, takesPrune: boolean) {
    this.#highNodes = Math.floor(descriptorLimit * highWater);
    this.#lowNodes = Math.floor(descriptorLimit * lowWater);
    this.#narrowNodes = Math.floor(descriptorLimit * narrow);
    this.#fullNodes = Math.floor(descriptorLimit * full);
    this.#stepNodes = Math.floor(descriptorLimit * step);
    this.#takesPrune = takesPrune;
    this.#reliefNodes = this.#highNodes;
  }

  isHigh(tree: Tree): boolean {
    return tree.nodes.size > this.#reliefNodes && !this.#isBeingRelieved;
  }

  /**
   * How long to pause after a request, so that the kernel hears what it should forget: 0 unless it is being told, for
   * where all are open there is nothing to wait for. Close to the limit every request pauses: one that fails would be
   * followed by the next at once.
   */
  pauseMs(tree: Tree): number {
    const { size } = tree.nodes;
    const hasGrown = size > this.#lastNodes;
    this.#lastNodes = size;
    if (!this.#isBeingRelieved || size <= this.#narrowNodes || (!hasGrown && size < this.#fullNodes)) return 0;
    const fullness = Math.min((size - this.#narrowNodes) / (this.#fullNodes - this.#narrowNodes), 1);
    return Math.ceil(longestPauseMs * fullness);
  }

  /** The kernel has been told what relieve gave last. */
  relieved(): void {
    this.#isBeingRelieved = false;
  }

  /**
   * Messages for the kernel. To be written by another thread than the one that serves, as those of outside-changes.ts.
   */
  relieve(tree: Tree): Buffer[] {
    this.#isBeingRelieved = true;
    const { size } = tree.nodes;
    const wanted = Math.min(size - this.#lowNodes, this.#takesPrune ? mostNodes : mostNames);
    const forgettable = oldest(tree, wanted, this.#takesPrune);
    const found = forgettable.length;
    this.#reliefNodes = found < wanted ? Math.max(this.#highNodes, size - found + this.#stepNodes) : this.#highNodes;
    return this.#takesPrune ? [encodePrune(forgettable.map(({ id }) => id))] : this.#forgetNames(tree, forgettable);
  }

  #forgetNames(tree: Tree, nodes: readonly Node[]): Buffer[] {
    const messages: Buffer[] = [];
    const parents = new Map<string, Node | undefined>();
    for (const node of nodes) {
      const length = readlinkat(AT_FDCWD, pathOfDescriptor(node.fd), this.#path, PATH_MAX);
      const slash = this.#path.lastIndexOf('/', length - 1);
      if (length <= 0 || slash < 0) continue;
      const folder = this.#path.toString('latin1', 0, slash);
      if (!parents.has(folder)) parents.set(folder, nodeAt(tree, folder));
      const parent = parents.get(folder);
      if (parent !== undefined) messages.push(encodeInvalidateEntry(parent.id, this.#path.subarray(slash + 1, length)));
    }
    return messages;
  }
}

/**
 * Those that nobody has open. Directories come last, since the kernel keeps them while it knows a name in them, and not
 * at all where they are forgotten by name: they may be the places of mounts, which would go with their names.
 */
function oldest({ nodes }: Tree, wanted: number, withDirectories: boolean): readonly Node[] {
  const found: Node[] = [];
  for (const directories of withDirectories ? [false, true] : [false]) {
    for (const node of nodes.values()) {
      if (found.length >= wanted) return found;
      if (node.isDirectory === directories && node.opens === 0 && node.id !== rootNodeId) found.push(node);
    }
  }
  return found;
}

/** `path` as latin1, which keeps every byte. */
function nodeAt(tree: Tree, path: string): Node | undefined {
  const isThere = statAt(AT_FDCWD, Buffer.from(`${path}\0`, 'latin1'), 0, tree.stat);
  return isThere ? tree.nodes.find(inodeKey(tree.stat)) : undefined;
}
