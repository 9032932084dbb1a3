// Notices changes that somebody makes in the backing directories behind the mount's back, and says what the kernel has
// to forget. Only directories that the kernel knows are watched. Changes made through the mount raise the same events:
// those are told apart by OwnChanges. A change that is missed is bounded by the lifetime of what the kernel was told (1
// s).
import type { Log } from '../log.ts';
import { type DirectoryListener, inodeKey, type Node } from '../nodes/nodes.ts';
import type { Tree } from '../nodes/tree.ts';
import { encodeInvalidateEntry, encodeInvalidateInode } from '../protocol/encode.ts';
import type { NodeId } from '../protocol/requests.ts';
import { pathOfDescriptor, readPathOf } from '../system/files.ts';
import { type DirectoryEvent, Inotify } from '../system/inotify.ts';
import { lastErrno } from '../system/libc.ts';
import { AT_SYMLINK_NOFOLLOW, statAt } from '../system/stat.ts';

/** Events are looked at in batches: transactions through the mount raise thousands a second. */
export const batchMs = 100;
const namesInLog = 5;

export class OutsideChanges implements DirectoryListener {
  readonly #inotify = new Inotify();
  readonly #log: Log;
  readonly #exempt: readonly string[];
  readonly #directoryOf = new Map<number, NodeId>();
  readonly #watchOf = new Map<NodeId, number>();
  #hasComplained = false;
  /** To be logged when all events have been looked at. */
  readonly #names = new Set<string>();

  /** `exempt`: absolute paths of directories that programs use beside the mount on purpose. */
  constructor(log: Log, exempt: readonly string[] = []) {
    this.#log = log;
    this.#exempt = exempt;
    if (this.#inotify.fd >= 0) return;
    this.#hasComplained = true;
    log('warn', 'watch-refused', { errno: lastErrno(), hint: 'raise fs.inotify.max_user_instances' });
  }

  /** Readable when something has changed; -1 where nothing can be watched. */
  get fd(): number {
    return this.#inotify.fd;
  }

  added(id: NodeId, fd: number): void {
    if (this.#isExempt(fd)) return;
    const watch = this.#inotify.add(pathOfDescriptor(fd));
    if (watch >= 0) {
      this.#directoryOf.set(watch, id);
      this.#watchOf.set(id, watch);
    } else if (!this.#hasComplained) {
      this.#hasComplained = true;
      this.#log('warn', 'watch-refused', { errno: -watch, hint: 'raise fs.inotify.max_user_watches' });
    }
  }

  #isExempt(fd: number): boolean {
    if (this.#exempt.length === 0) return false;
    const path = readPathOf(fd)?.toString() ?? '';
    return this.#exempt.some((directory) => path === directory || path.startsWith(`${directory}/`));
  }

  dropped(id: NodeId): void {
    const watch = this.#watchOf.get(id);
    if (watch === undefined) return;
    this.#watchOf.delete(id);
    this.#directoryOf.delete(watch);
    this.#inotify.remove(watch);
  }

  /**
   * Messages for the kernel about the oldest changes, some hundreds at most; `isAll`: there are no others. Not to be
   * written by the thread that answers the kernel: for an entry the kernel takes the directory's lock, which a client
   * may hold while it waits for an answer.
   */
  collect(tree: Tree): { readonly messages: readonly Buffer[]; readonly isAll: boolean } {
    const messages: Buffer[] = [];
    const names = this.#names;
    const { events, isAll } = this.#inotify.read();
    for (const { directory, name, isContent } of this.#foreign(tree, events)) {
      const bytes = Buffer.from(name, 'latin1');
      if (names.size < namesInLog) names.add(`${readPathOf(directory.fd) ?? 'a path too long to show'}/${bytes}`);
      if (isContent) {
        const child = childOf(tree, directory, bytes);
        if (child !== undefined) messages.push(encodeInvalidateInode(child.id));
      } else {
        messages.push(encodeInvalidateInode(directory.id), encodeInvalidateEntry(directory.id, bytes));
      }
    }
    if (isAll && names.size > 0) {
      this.#log('warn', 'changed-behind-the-mount', { names: [...names] });
      names.clear();
    }
    return { messages, isAll };
  }

  #foreign(tree: Tree, events: readonly DirectoryEvent[]) {
    const distinct = new Map<string, DirectoryEvent>();
    for (const event of events) distinct.set(`${event.watch} ${event.isContent} ${event.name}`, event);
    return [...distinct.values()].flatMap(({ watch, name, isContent }) => {
      const id = this.#directoryOf.get(watch);
      const directory = id === undefined ? undefined : tree.nodes.get(id);
      if (directory === undefined || tree.ownChanges.has(directory, name)) return [];
      if (tree.ram.isCopiers(directory, name)) return [];
      return isContent && isOwnContent(tree, directory, name) ? [] : [{ directory, name, isContent }];
    });
  }
}

/** Clients of the mount write too: what is open there, or was a moment ago, has changed with the kernel's knowledge. */
function isOwnContent(tree: Tree, directory: Node, name: string): boolean {
  const child = childOf(tree, directory, Buffer.from(name, 'latin1'));
  return child !== undefined && (child.opens > 0 || tree.ownChanges.hasClosed(child));
}

function childOf(tree: Tree, directory: Node, name: Buffer): Node | undefined {
  const path = Buffer.concat([name, Buffer.alloc(1)]);
  return statAt(directory.fd, path, AT_SYMLINK_NOFOLLOW, tree.stat) ? tree.nodes.find(inodeKey(tree.stat)) : undefined;
}
