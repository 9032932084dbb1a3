// The tree of a folder, without a mount: no passthrough, no fence, syncs that are always fast, and errands that never
// come.
import { expect } from 'vitest';
import type { Log } from '../../fs/log.ts';
import { Errands } from '../../fs/nodes/errands.ts';
import { LastCloses } from '../../fs/nodes/last-closes.ts';
import { OwnChanges } from '../../fs/nodes/own-changes.ts';
import { Passthrough } from '../../fs/nodes/passthrough.ts';
import { Postponed } from '../../fs/nodes/postponed.ts';
import { SyncAverage, Syncer } from '../../fs/nodes/syncer.ts';
import { openTree, type Tree, type TreeParts } from '../../fs/nodes/tree.ts';
import type { KeptState } from '../../fs/state/kept-state.ts';
import type { Caller } from '../../fs/system/caller.ts';
import { close } from '../../fs/system/files.ts';

export function openTestTree(folder: string, keptState: KeptState, log: Log, more: Partial<TreeParts> = {}): Tree {
  const alwaysFast = Object.assign(new SyncAverage(), { add: () => {} }); // however busy the disk is
  return openTree(folder, {
    caller: { become: () => {} } as unknown as Caller,
    passthrough: new Passthrough(-1, log),
    ownChanges: new OwnChanges(),
    syncer: new Syncer(alwaysFast, () => expect.unreachable()),
    errands: new Errands(() => expect.unreachable()),
    postponed: new Postponed(log),
    lastCloses: new LastCloses((fds) => fds.forEach(close)),
    fence: { covers: () => false },
    refusesFenced: false,
    directories: undefined,
    forgetNames: () => {},
    inodeSpaces: { load: () => new Map(), save: () => {} },
    keptState,
    ...more,
  });
}
