// Puts together what serves one mount on the thread that answers the kernel: the tables with what a dead predecessor
// has left in them, the locks behind their fence, and the session that knows them all.

import { Fence } from '../fence/fence.ts';
import { FencedLocks } from '../fence/fenced-locks.ts';
import { noteRegistration, openersToFind } from '../fence/registration.ts';
import { matcherOf } from '../globs.ts';
import { CoordinatedLocks } from '../lock-binding/coordinated-locks.ts';
import type { Log } from '../log.ts';
import type { ArchiveState, CapturedGlobs, PassthroughState, RamdiskOptions } from '../messages.ts';
import { boundedBy, requestTimeoutSeconds } from '../mount/request-timeout.ts';
import { Errands } from '../nodes/errands.ts';
import { spacesIn } from '../nodes/inode-numbers.ts';
import { LastCloses } from '../nodes/last-closes.ts';
import { OwnChanges } from '../nodes/own-changes.ts';
import { Passthrough } from '../nodes/passthrough.ts';
import { Postponed } from '../nodes/postponed.ts';
import { RamFiles, type RamFilesOptions } from '../nodes/ram-files.ts';
import { SyncAverage, Syncer } from '../nodes/syncer.ts';
import { openTree, type Tree } from '../nodes/tree.ts';
import { encodeInvalidateInode } from '../protocol/encode.ts';
import type { Owed } from '../protocol/requests.ts';
import { chooserOf } from '../ram-chooser.ts';
import { createKeptState, KeptState } from '../state/kept-state.ts';
import { Caller } from '../system/caller.ts';
import { Device } from './device.ts';
import { dispatch } from './dispatch.ts';
import { IdleProcessors } from './idle-processors.ts';
import type { FromLoop, LoopData } from './loop-messages.ts';
import { OutsideChanges } from './outside-changes.ts';
import { PowerCut } from './power-cut.ts';
import { Session } from './session.ts';

export interface Parts {
  readonly device: Device;
  readonly keptState: KeptState;
  readonly passthrough: Passthrough;
  readonly outside: OutsideChanges | undefined;
  readonly fence: Fence;
  readonly tree: Tree;
  /**
   * Neither is there when the kernel keeps the locks. `locks` are the coordinated ones as they look while a fence
   * stands.
   */
  readonly coordinated: CoordinatedLocks | undefined;
  readonly locks: FencedLocks | undefined;
  readonly session: Session;
  /** Only in a test. */
  readonly powerCut: PowerCut | undefined;
  /** For new files. */
  readonly choices: { current: Pick<RamdiskOptions, 'chosen' | 'isFull'> };
}

export function assemble(data: LoopData, send: (message: FromLoop) => void, log: Log): Parts {
  const { deviceFd, wakeFd, options, syncAverage } = data;
  const { dataDir, stateDir, idlePolling = 'auto', watch = true, passthrough: passthroughWanted } = options;
  const device = new Device(deviceFd, wakeFd, new IdleProcessors(idlePolling, log), log);
  const keptState = new KeptState(options.keptState ?? createKeptState(), log);
  const passthrough = new Passthrough(deviceFd, log);
  const beside = (options.kernelLocks ?? []).map((directory) => `${dataDir}/${directory}`);
  const outside = watch ? new OutsideChanges(log, beside) : undefined;
  // What INIT has settled lasts as long as the connection, whatever a new supervisor was told.
  const isKernelLocks = keptState.agreement === undefined ? options.locks === 'kernel' : !keptState.agreement.locks;
  const choices = { current: options.ramdisk ?? { chosen: {} } };
  const ram = new RamFiles(dataDir, ramFilesOf(options.ramdisk, choices), log);
  const fence = new Fence(dataDir, openersToFind(stateDir), keptState.fence, log, ram.folders);
  if (options.fence === true && !keptState.isSurveyed) fence.survey(options.kernelLocks);
  keptState.isSurveyed = true;
  send({ type: 'fenced', databases: fence.databases });
  const lastCloses = new LastCloses((fds) => send({ type: 'close', fds }));
  keptState.descriptors.closeElsewhere = (fd) => lastCloses.add(fd);
  const tree = openTree(dataDir, {
    caller: new Caller(),
    passthrough,
    ownChanges: new OwnChanges(),
    syncer: new Syncer(new SyncAverage(syncAverage), (job) => send({ type: 'sync', job })),
    lastCloses,
    errands: new Errands((errand) => send({ type: 'errand', errand })),
    postponed: new Postponed(log),
    fence,
    refusesFenced: isKernelLocks,
    keptState,
    directories: outside,
    forgetNames: ({ id }) => send({ type: 'tell-kernel', messages: [encodeInvalidateInode(id)] }),
    inodeSpaces: spacesIn(stateDir, log),
    ram,
  });
  const answer = (asked: Owed, result: number) => session.answer(asked, result);
  const limits = lockLimits(options.lockLimits, log);
  const coordinated = isKernelLocks
    ? undefined
    : new CoordinatedLocks({
        nodes: tree.nodes,
        dataDir,
        ram,
        log,
        keptState,
        answer,
        isPassedThrough: () => passthrough.isActive,
        committed: (databases) => send({ type: 'committed', databases }),
        unread: (database) => send({ type: 'unread', database }),
        ...(limits === undefined ? {} : { limits }),
        ...(options.capture === undefined ? {} : { isCaptured: capturedBy(options.capture) }),
      });
  tree.capture = coordinated?.capture;
  const locks = coordinated && new FencedLocks(coordinated, fence, coordinated.manager.limits, answer);
  const powerCut = options.powerCut === true ? new PowerCut() : undefined;
  const session: Session = new Session({
    tree,
    keptState,
    log,
    ...(locks === undefined ? {} : { locks }),
    ...(powerCut === undefined ? {} : { dispatch: powerCut.around(dispatch) }),
    write: (bytes, sizeBytes) => device.write(bytes, sizeBytes),
    wantsPassthrough: passthroughWanted !== 'off',
    initialized: (isNegotiated) => {
      passthrough.start(passthroughWanted, isNegotiated, dataDir);
      ram.keepsLogs = passthrough.isActive && !isKernelLocks;
      const reason = passthrough.isActive && noteRegistration(stateDir, passthrough.takesPathDescriptor);
      if (reason) log('warn', 'registration-not-noted', { reason });
      const archive = archiveState(options.archive === true, passthrough.state, isKernelLocks);
      keptState.archive.isActive = archive.active;
      send({ type: 'ready', passthrough: passthrough.state, archive });
    },
  });
  return { device, keptState, passthrough, outside, fence, tree, coordinated, locks, session, powerCut, choices };
}

function archiveState(isWanted: boolean, passthrough: PassthroughState, isKernelLocks: boolean): ArchiveState {
  if (!isWanted) return { active: false };
  if (isKernelLocks) return { active: false, reason: 'the kernel keeps the locks (--locks kernel)' };
  // Else the index that programs share is in the kernel's memory alone.
  if (!passthrough.active) return { active: false, reason: `no passthrough: ${passthrough.reason ?? 'it is off'}` };
  return { active: true };
}

function ramFilesOf(options: RamdiskOptions | undefined, choices: Parts['choices']): RamFilesOptions | undefined {
  if (options === undefined) return undefined;
  const isChosen = chooserOf(options.globs, () => choices.current.chosen);
  return { root: options.root, isChosen: (path) => choices.current.isFull !== true && isChosen(path) };
}

function lockLimits(wanted: LoopData['options']['lockLimits'], log: Log): LoopData['options']['lockLimits'] {
  const timeoutSeconds = requestTimeoutSeconds();
  if (timeoutSeconds === undefined) return wanted;
  log('warn', 'kernel-request-timeout', { timeoutSeconds, effect: 'shorter lock waits' });
  return boundedBy(timeoutSeconds, wanted);
}

function capturedBy({ rollback, include, exclude }: CapturedGlobs): (path: string) => boolean {
  const [isRollback, isIncluded] = [matcherOf(rollback, []), matcherOf(include, exclude)];
  return (path) => isRollback(path) && isIncluded(path);
}
