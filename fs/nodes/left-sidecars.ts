// A file is moved onto a database that programs still have open (mv saved.db app.db). Their WAL and wal-index lie
// beside the new file, and SQLite would take them for its own: the old rows would come back, or two databases mix. On ext4
// that is how databases are corrupted. Here the two lose their names with the file that they belong to; the programs that have them
// open go on with them, and whoever opens the new file begins without.
import { readFileSync } from 'node:fs';
import type { Name } from '../protocol/requests.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { unlinkat } from '../system/files.ts';
import { AT_SYMLINK_NOFOLLOW, statAt } from '../system/stat.ts';
import { inodeKey, type Node } from './nodes.ts';
import type { Tree } from './tree.ts';

const suffixes = ['-wal', '-shm'];

/**
 * Call it when a file has replaced `replaced` under `name` in `parent`. Only what the users of a database that has lost its last name
 * have open goes with it: a database that lives on under another name keeps its WAL, and so does whoever merely reads one.
 */
export function dropLeftSidecars(tree: Tree, parent: Node, name: Name, replaced: Node): void {
  const text = name.toString('latin1', 0, name.length - 1);
  if (!replaced.isNameless || replaced.opens === 0 || sqliteFileOf(text).kind !== 'database') return;
  const left = suffixes.flatMap((suffix) =>
    openFileAt(tree, parent, Buffer.from(`${text}${suffix}\0`, 'latin1') as Name),
  );
  if (left.length === 0) return;
  const theirs = processesOf(
    tree,
    left.map(({ node }) => node),
  );
  const its = processesOf(tree, [replaced]);
  if (theirs === undefined || its === undefined || [...theirs].some((pid) => !its.has(pid))) return;
  for (const { node, name: sidecar } of left) {
    tree.ownChanges.add(parent, sidecar);
    if (unlinkat(parent.fd, sidecar, 0) === 0) node.lostLastName();
  }
}

function openFileAt(tree: Tree, parent: Node, name: Name): { readonly node: Node; readonly name: Name }[] {
  const isThere = statAt(parent.fd, name, AT_SYMLINK_NOFOLLOW, tree.stat);
  const node = isThere ? tree.nodes.find(inodeKey(tree.stat)) : undefined;
  return node === undefined || node.opens === 0 ? [] : [{ node, name }];
}

/** The processes that have one of the nodes open; undefined when some of them cannot be seen. */
function processesOf(tree: Tree, nodes: readonly Node[]): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  for (const { node, pid } of tree.files.values()) {
    if (!nodes.includes(node)) continue;
    const process = processOfThread(pid);
    if (process === undefined) return undefined;
    found.add(process);
  }
  return found;
}

function processOfThread(tid: number): number | undefined {
  try {
    const line = /^Tgid:\s*(\d+)/m.exec(readFileSync(`/proc/${tid}/status`, 'latin1'));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined; // a thread that has ended, or of another pid namespace
  }
}
