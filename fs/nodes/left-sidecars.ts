// A file is moved onto a database that programs still have open (mv saved.db app.db). Their WAL and wal-index lie
// beside the new file, and SQLite would take them for its own: the old rows would come back, or two databases mix. On
// ext4 that is how databases are corrupted. Here the two lose their names with the file that they belong to; the
// programs that have them open go on with them, and whoever opens the new file begins without.
import type { Name } from '../protocol/requests.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { unlinkat } from '../system/files.ts';
import { AT_SYMLINK_NOFOLLOW, statAt } from '../system/stat.ts';
import { threadsBeside } from '../system/threads.ts';
import { inodeKey, type Node } from './nodes.ts';
import { textOf } from './ram-files.ts';
import type { Tree } from './tree.ts';

const suffixes = ['-wal', '-shm'];
/** To look a thread up in /proc takes some 50 us, and everybody waits meanwhile. */
const mostLookedUp = 50;

/**
 * Call it when a file has replaced `replaced` under `name` in `parent`. Only what the users of a database that has lost
 * its last name have open goes with it: a database that lives on under another name keeps its WAL, and so does whoever
 * merely reads one.
 */
export function dropLeftSidecars(tree: Tree, parent: Node, name: Name, replaced: Node): void {
  const text = name.toString('latin1', 0, name.length - 1);
  if (!replaced.isNameless || replaced.opens === 0 || sqliteFileOf(text).kind !== 'database') return;
  const left = suffixes.flatMap((suffix) =>
    openFileAt(tree, parent, Buffer.from(`${text}${suffix}\0`, 'latin1') as Name),
  );
  if (left.length === 0 || haveOtherUsers(tree, new Set(left.map(({ node }) => node)), replaced)) return;
  for (const { node, name: sidecar } of left) {
    tree.ownChanges.add(parent, sidecar);
    const directory = tree.ram.directoryOf(parent, sidecar);
    if (unlinkat(directory, sidecar, 0) !== 0) continue;
    const folder = directory === parent.fd ? undefined : tree.ram.folderOf(parent, textOf(sidecar));
    if (folder) tree.ram.removed(folder, textOf(sidecar));
    node.lostLastName();
  }
}

/** Call it when a file has got a name that was free. */
export function dropSidecarsOfRemoved(tree: Tree, parent: Node, name: Name): void {
  const removed = tree.removedDatabases.take(parent, name);
  if (removed !== undefined) dropLeftSidecars(tree, parent, name, removed);
}

function openFileAt(tree: Tree, parent: Node, name: Name): { readonly node: Node; readonly name: Name }[] {
  const isThere = statAt(tree.ram.directoryOf(parent, name), name, AT_SYMLINK_NOFOLLOW, tree.stat);
  const node = isThere ? tree.nodes.find(inodeKey(tree.stat)) : undefined;
  return node === undefined || node.opens === 0 ? [] : [{ node, name }];
}

/**
 * Whether a process has one of the sidecars open and not the database; true also where that cannot be seen. SQLite
 * opens both in one thread, mostly: only a thread that has not opened the database is looked up.
 */
function haveOtherUsers({ files }: Tree, sidecars: ReadonlySet<Node>, database: Node): boolean {
  const its = new Set<number>();
  const others = new Map<number, number>();
  for (const { node, pid, openedS } of files.values()) {
    if (node === database) its.add(pid);
    else if (sidecars.has(node) && !others.has(pid)) others.set(pid, openedS);
  }
  for (const tid of its) others.delete(tid);
  if (others.size > mostLookedUp) return true;
  return [...others].some(([tid, openedS]) => !threadsBeside(tid, openedS).some((thread) => its.has(thread)));
}
