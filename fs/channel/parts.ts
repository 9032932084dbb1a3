// Puts together what serves one mount on the thread that answers the kernel: the tables with what a dead predecessor has left in them, the
// locks behind their fence, and the session that knows them all.
import { LockArbiter } from '../arbiter/arbiter.ts';
import { Fence } from '../fence/fence.ts';
import { FencedLocks } from '../fence/fenced-locks.ts';
import { noteRegistration, openersToFind } from '../fence/registration.ts';
import type { Log } from '../log.ts';
import { boundedBy, requestTimeoutSeconds } from '../mount/request-timeout.ts';
import { Errands } from '../nodes/errands.ts';
import { spacesIn } from '../nodes/inode-numbers.ts';
import { LastCloses } from '../nodes/last-closes.ts';
import { OwnChanges } from '../nodes/own-changes.ts';
import { Passthrough } from '../nodes/passthrough.ts';
import { PowerCut } from '../nodes/power-cut.ts';
import { SyncAverage, Syncer } from '../nodes/syncer.ts';
import { openTree, type Tree } from '../nodes/tree.ts';
import type { Owed } from '../protocol/requests.ts';
import { createSurvivorDescriptors, Survivor } from '../state/survivor.ts';
import { Caller } from '../system/caller.ts';
import { BehindTheBack } from './behind.ts';
import { Device } from './device.ts';
import { IdleProcessors } from './idle-processors.ts';
import type { FromLoop, LoopData } from './loop-messages.ts';
import { Session } from './session.ts';

export interface Parts {
  readonly device: Device;
  readonly survivor: Survivor;
  readonly passthrough: Passthrough;
  readonly behind: BehindTheBack | undefined;
  readonly fence: Fence;
  readonly tree: Tree;
  /** Neither is there when the kernel keeps the locks. `locks` is the arbiter as it looks while a fence stands. */
  readonly arbiter: LockArbiter | undefined;
  readonly locks: FencedLocks | undefined;
  readonly session: Session;
}

export function assemble(data: LoopData, send: (message: FromLoop) => void, log: Log): Parts {
  const { deviceFd, wakeFd, options, syncAverage } = data;
  const { dataDir, stateDir, idlePolling = 'auto', watch = true, passthrough: passthroughWanted } = options;
  const device = new Device(deviceFd, wakeFd, new IdleProcessors(idlePolling, log), log);
  const survivor = new Survivor(options.survivor ?? createSurvivorDescriptors(), log);
  const passthrough = new Passthrough(deviceFd, log);
  const behind = watch ? new BehindTheBack(log) : undefined;
  // What INIT has settled lasts as long as the connection, whatever a new supervisor was told.
  const isKernelLocks = survivor.agreement === undefined ? options.locks === 'kernel' : !survivor.agreement.locks;
  const fence = new Fence(dataDir, openersToFind(stateDir), survivor.fence, log);
  if (options.fence === true && !survivor.isSurveyed) fence.survey();
  survivor.isSurveyed = true;
  send({ type: 'fenced', databases: fence.databases });
  const lastCloses = new LastCloses((fds) => send({ type: 'close', fds }));
  survivor.kept.closeElsewhere = (fd) => lastCloses.add(fd);
  const tree = openTree(dataDir, {
    caller: new Caller(),
    passthrough,
    ownChanges: new OwnChanges(),
    syncer: new Syncer(new SyncAverage(syncAverage), (job) => send({ type: 'sync', job })),
    lastCloses,
    errands: new Errands((errand) => send({ type: 'errand', errand })),
    powerCut: options.powerCut === true ? new PowerCut() : undefined,
    fence,
    refusesFenced: isKernelLocks,
    survivor,
    directories: behind,
    inodeSpaces: spacesIn(stateDir, log),
  });
  const answer = (asked: Owed, result: number) => session.answer(asked, result);
  const limits = lockLimits(options.lockLimits, log);
  const arbiter = isKernelLocks
    ? undefined
    : new LockArbiter({
        nodes: tree.nodes,
        dataDir,
        log,
        survivor,
        answer,
        isPassedThrough: () => passthrough.isActive,
        committed: (databases) => send({ type: 'committed', databases }),
        ...(limits === undefined ? {} : { limits }),
      });
  const locks = arbiter && new FencedLocks(arbiter, fence, arbiter.manager.limits, answer);
  const session: Session = new Session({
    tree,
    survivor,
    log,
    ...(locks === undefined ? {} : { locks }),
    write: (bytes, sizeBytes) => device.write(bytes, sizeBytes),
    wantsPassthrough: passthroughWanted !== 'off',
    initialized: (isNegotiated) => {
      passthrough.start(passthroughWanted, isNegotiated, dataDir);
      const reason = passthrough.isActive && noteRegistration(stateDir, passthrough.takesPathDescriptor);
      if (reason) log('warn', 'registration-not-noted', { reason });
      send({ type: 'ready', passthrough: passthrough.state });
    },
  });
  return { device, survivor, passthrough, behind, fence, tree, arbiter, locks, session };
}

function lockLimits(wanted: LoopData['options']['lockLimits'], log: Log): LoopData['options']['lockLimits'] {
  const timeoutSeconds = requestTimeoutSeconds();
  if (timeoutSeconds === undefined) return wanted;
  log('warn', 'kernel-request-timeout', { timeoutSeconds, effect: 'shorter lock waits' });
  return boundedBy(timeoutSeconds, wanted);
}
