// Two sessions over one memory stand for two fs processes, the second of which goes on where the first has died.
import { Session } from '../../../fs/channel/session.ts';
import { CoordinatedLocks } from '../../../fs/lock-binding/coordinated-locks.ts';
import type { Tree } from '../../../fs/nodes/tree.ts';
import { KeptState, type KeptStateDescriptors } from '../../../fs/state/kept-state.ts';
import { restore } from '../../../fs/state/restore.ts';
import { openTestTree } from '../open-tree.ts';

export interface Process {
  readonly tree: Tree;
  readonly keptState: KeptState;
  readonly coordinated: CoordinatedLocks;
  readonly logged: { readonly event: string; readonly fields: object }[];
  /** Serves one request: errno, and what follows. */
  ask(bytes: Buffer): { errno: number; payload: Buffer };
}

/** What the dead process has left is taken over, without waiting for repeats. */
export function startProcess(folder: string, descriptors: KeptStateDescriptors): Process {
  const logged: { event: string; fields: object }[] = [];
  const log = (_level: string, event: string, fields: object) => void logged.push({ event, fields });
  const unreachable = () => {
    throw new Error('nothing here is handed over');
  };
  const keptState = new KeptState(descriptors, log);
  const tree = openTestTree(folder, keptState, log);
  const coordinated = new CoordinatedLocks({
    nodes: tree.nodes,
    dataDir: folder,
    log,
    keptState,
    answer: unreachable,
    committed: () => {},
    unread: () => {},
  });
  if (keptState.agreement === undefined) keptState.agreement = { passthrough: false, locks: true };
  else {
    const { mirrors } = restore(tree, keptState, folder, log);
    coordinated.restore(tree.files.values(), mirrors);
  }
  let reply = Buffer.alloc(0);
  const write = (bytes: Buffer, sizeBytes: number) => {
    reply = Buffer.from(bytes.subarray(0, sizeBytes));
  };
  const session = new Session({
    tree,
    keptState,
    log,
    write,
    wantsPassthrough: false,
    initialized: () => {},
    locks: coordinated,
  });
  return {
    tree,
    keptState,
    coordinated,
    logged,
    ask: (bytes) => {
      session.serve(bytes, bytes.length);
      return { errno: Math.abs(reply.readInt32LE(4)), payload: reply.subarray(16) };
    },
  };
}
