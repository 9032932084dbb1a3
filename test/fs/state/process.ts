// Two sessions over one memory stand for two fs processes, the second of which goes on where the first has died.
import { LockArbiter } from '../../../fs/arbiter/arbiter.ts';
import { Session } from '../../../fs/channel/session.ts';
import type { Tree } from '../../../fs/nodes/tree.ts';
import { restore } from '../../../fs/state/restore.ts';
import { Survivor, type SurvivorDescriptors } from '../../../fs/state/survivor.ts';
import { openTestTree } from '../open-tree.ts';

export interface Process {
  readonly tree: Tree;
  readonly survivor: Survivor;
  readonly arbiter: LockArbiter;
  readonly logged: { readonly event: string; readonly fields: object }[];
  /** Serves one request: errno, and what follows. */
  ask(bytes: Buffer): { errno: number; payload: Buffer };
}

/** What the dead process has left is taken over, without waiting for repeats. */
export function startProcess(folder: string, descriptors: SurvivorDescriptors): Process {
  const logged: { event: string; fields: object }[] = [];
  const log = (_level: string, event: string, fields: object) => void logged.push({ event, fields });
  const unreachable = () => {
    throw new Error('nothing here is handed over');
  };
  const survivor = new Survivor(descriptors, log);
  const tree = openTestTree(folder, survivor, log);
  const arbiter = new LockArbiter({
    nodes: tree.nodes,
    dataDir: folder,
    log,
    survivor,
    answer: unreachable,
    committed: () => {},
  });
  if (survivor.agreement === undefined) survivor.agreement = { passthrough: false, locks: true };
  else {
    const { mirrors } = restore(tree, survivor, folder, log);
    arbiter.restore(tree.files.values(), mirrors);
  }
  let reply = Buffer.alloc(0);
  const write = (bytes: Buffer, sizeBytes: number) => {
    reply = Buffer.from(bytes.subarray(0, sizeBytes));
  };
  const session = new Session({
    tree,
    survivor,
    log,
    write,
    wantsPassthrough: false,
    initialized: () => {},
    locks: arbiter,
  });
  return {
    tree,
    survivor,
    arbiter,
    logged,
    ask: (bytes) => {
      session.serve(bytes, bytes.length);
      return { errno: Math.abs(reply.readInt32LE(4)), payload: reply.subarray(16) };
    },
  };
}
