// Every inode that the kernel knows costs a descriptor, and the kernel forgets them only when it is short of memory itself. Long before
// descriptors run out it is told to forget the names that have been there longest and that nobody has open.
import type { Node } from '../nodes/nodes.ts';
import { inodeKey } from '../nodes/nodes.ts';
import type { Tree } from '../nodes/tree.ts';
import { encodeInvalidateEntry } from '../protocol/encode.ts';
import { rootNodeId } from '../protocol/requests.ts';
import { PATH_MAX, pathOfDescriptor, readlinkat } from '../system/files.ts';
import { AT_FDCWD, statAt } from '../system/stat.ts';

/** Shares of the limit: the rest is for open files, lock mirrors and what comes while the kernel forgets. */
const highWater = 0.5;
const lowWater = 0.4;
/** So many names at a time, so that the thread that tells the kernel has time for other things. */
const mostNames = 2000;

export class DescriptorPressure {
  readonly #highNodes: number;
  readonly #lowNodes: number;
  readonly #path = Buffer.alloc(PATH_MAX);
  #isBeingRelieved = false;

  constructor(descriptorLimit: number) {
    this.#highNodes = Math.floor(descriptorLimit * highWater);
    this.#lowNodes = Math.floor(descriptorLimit * lowWater);
  }

  isHigh(tree: Tree): boolean {
    return tree.nodes.size > this.#highNodes && !this.#isBeingRelieved;
  }

  /** The kernel has been told what relieve gave last. */
  relieved(): void {
    this.#isBeingRelieved = false;
  }

  /** Messages for the kernel. To be written by another thread than the one that serves, as those of behind.ts. */
  relieve(tree: Tree): Buffer[] {
    this.#isBeingRelieved = true;
    const messages: Buffer[] = [];
    const parents = new Map<string, Node | undefined>();
    const wanted = Math.min(tree.nodes.size - this.#lowNodes, mostNames);
    for (const node of tree.nodes.values()) {
      if (messages.length >= wanted) break;
      // Directories may be the places of mounts, which would go with their names.
      if (node.id === rootNodeId || node.isDirectory || node.opens > 0) continue;
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

/** `path` as latin1, which keeps every byte. */
function nodeAt(tree: Tree, path: string): Node | undefined {
  const isThere = statAt(AT_FDCWD, Buffer.from(`${path}\0`, 'latin1'), 0, tree.stat);
  return isThere ? tree.nodes.find(inodeKey(tree.stat)) : undefined;
}
