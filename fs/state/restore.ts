// Fills a successor's tables from what the dead process has left: nodes are opened again by their inode handles, or
// found among the kept descriptors; handles follow their nodes. What cannot be had any more answers EIO or ESTALE from
// now on.
import type { Log } from '../log.ts';
import { inodeKey, Node, type NodeStore } from '../nodes/nodes.ts';
import type { Tree } from '../nodes/tree.ts';
import type { NodeId } from '../protocol/requests.ts';
import { close, emptyPath, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from '../system/files.ts';
import { openInodeHandle } from '../system/inode-handles.ts';
import { lastError } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxOffset } from '../system/stat.ts';
import type { KeptState } from './kept-state.ts';
import type { StoredNode } from './node-slots.ts';

export interface Restored {
  readonly nodes: number;
  readonly handles: number;
  readonly lost: number;
  /** Descriptors that hold the OFD locks of a node. */
  readonly mirrors: ReadonlyMap<NodeId, number>;
}

export function restore(tree: Tree, keptState: KeptState, dataDir: string, log: Log): Restored {
  const damaged = (slot: number) => log('error', 'state-slot-damaged', { slot });
  const kept = keptState.descriptors.recover();
  const keptNodes = new Map(kept.flatMap(({ kind, id, fd }) => (kind === 'node' ? [[id, fd]] : [])));
  const mirrors = new Map(kept.flatMap(({ kind, id, fd }) => (kind === 'mirror' ? [[id as NodeId, fd]] : [])));
  let lost = restoreNodes(tree, keptState, keptNodes, dataDir, damaged);
  // What was kept for a node that is gone: a copy that had not been cleared out yet.
  for (const [id, fd] of keptNodes) drop('node', id, fd);
  for (const [id, fd] of mirrors) if (tree.nodes.get(id) === undefined) drop('mirror', id, fd);
  lost += restoreHandles(tree, keptState, damaged);
  for (const node of tree.nodes.values()) {
    // Death came between the last close and what follows from it.
    if (node.opens === node.directOpens && node.backingId !== 0) tree.passthrough.release(node);
    if (node.isNameless) node.lostLastName();
    tree.nodes.dropIfUnused(node);
  }
  return { nodes: tree.nodes.size, handles: tree.files.size, lost, mirrors };

  function drop(kind: 'node' | 'mirror', id: number, fd: number): void {
    keptState.descriptors.forget(kind, id);
    close(fd);
    if (kind === 'mirror') mirrors.delete(id as NodeId);
  }
}

/** Takes what it uses out of `keptNodes`. Returns how many nodes are lost. */
function restoreNodes(
  tree: Tree,
  keptState: KeptState,
  keptNodes: Map<number, number>,
  dataDir: string,
  damaged: (slot: number) => void,
): number {
  // Not O_PATH: open_by_handle_at wants a real descriptor of the file system.
  const mountFd = openat(AT_FDCWD, Buffer.from(`${dataDir}\0`), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (mountFd < 0) throw lastError('open', dataDir);
  let lost = 0;
  for (const stored of keptState.nodes.stored(damaged)) {
    const fd = (stored.isKept ? keptNodes.get(stored.id) : undefined) ?? openInodeHandle(mountFd, stored.handle);
    if (fd >= 0 && statAt(fd, emptyPath, AT_EMPTY_PATH, tree.stat)) {
      keptNodes.delete(stored.id);
      if (stored.backingId !== 0) tree.passthrough.adopt();
      tree.nodes.insert(asNode(stored, fd, tree, keptState.nodeStore));
      continue;
    }
    lost += 1;
    keptState.nodeStore.remove(stored.slot, stored.id);
  }
  close(mountFd);
  return lost;
}

function asNode(
  { slot, id, isDirectory, lookups, backingId, folder }: StoredNode,
  fd: number,
  { stat, inodeNumbers }: Tree,
  store: NodeStore,
): Node {
  const facts = { id, key: inodeKey(stat), fd, isDirectory, space: inodeNumbers.spaceOf(stat, fd) };
  const node = new Node(facts, { lookups, backingId, folder }, store, slot);
  node.isNameless = stat.readUInt32LE(statxOffset.nlink) === 0;
  return node;
}

/** Returns how many handles are lost. */
function restoreHandles(tree: Tree, keptState: KeptState, damaged: (slot: number) => void): number {
  let lost = 0;
  for (const { slot, id, nodeId, access, isDirect, pid, openedS, unique } of keptState.handles.stored(damaged)) {
    const node = tree.nodes.get(nodeId);
    if (node === undefined) {
      lost += 1;
      keptState.handles.remove(slot);
    } else {
      node.opens += 1;
      if (isDirect) node.directOpens += 1;
      tree.files.insert({ id, node, access, isDirect, pid, openedS, unique, fd: -1 }, slot);
    }
  }
  return lost;
}
