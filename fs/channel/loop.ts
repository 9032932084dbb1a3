// The thread that answers the kernel, one request at a time. It never returns to Node's event loop while it serves: the main thread
// posts messages and wakes it through an eventfd.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { LockArbiter } from '../arbiter/arbiter.ts';
import { FsError } from '../errors.ts';
import { Fence } from '../fence/fence.ts';
import { FencedLocks } from '../fence/fenced-locks.ts';
import { noteRegistration, openersToFind } from '../fence/registration.ts';
import type { Log } from '../log.ts';
import type { FsStartOptions, FsStatus } from '../messages.ts';
import { boundedBy, requestTimeoutSeconds } from '../mount/request-timeout.ts';
import { closeFenced } from '../nodes/files.ts';
import { LastCloses } from '../nodes/last-closes.ts';
import { OwnChanges } from '../nodes/own-changes.ts';
import { Passthrough } from '../nodes/passthrough.ts';
import { PowerCut } from '../nodes/power-cut.ts';
import { SyncAverage, Syncer } from '../nodes/syncer.ts';
import { openTree } from '../nodes/tree.ts';
import type { Owed } from '../protocol/requests.ts';
import { restore } from '../state/restore.ts';
import { createSurvivorDescriptors, Survivor } from '../state/survivor.ts';
import { Caller } from '../system/caller.ts';
import { raiseDescriptorLimit, raiseThreadPriority } from '../system/process.ts';
import { BehindTheBack, batchMs } from './behind.ts';
import { DescriptorPressure } from './descriptor-pressure.ts';
import { Device, unmounted } from './device.ts';
import { maxWriteBytes } from './handshake.ts';
import { IdleProcessors } from './idle-processors.ts';
import type { FromLoop, LoopData, ToLoop } from './loop-messages.ts';
import { Session } from './session.ts';

/** Room for the largest WRITE and its headers; the kernel asks for 8 KiB more than max_write at most. */
const requestBytes = maxWriteBytes + 8192;

if (parentPort === null) throw new Error('fs/channel/loop.ts runs as a worker thread');
const port = parentPort;
const { deviceFd, wakeFd, options, syncAverage } = workerData as LoopData;
const send = (message: FromLoop) => port.postMessage(message);
const log: Log = (level, event, fields) => send({ type: 'log', level, event, fields });

try {
  serve(options);
} catch (error) {
  const { code, message, hint } =
    error instanceof FsError ? error : { code: 'internal', message: String(error), hint: undefined };
  send({ type: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
}
port.close();

function serve({
  dataDir,
  passthrough: wanted,
  watch = true,
  locks: locksWanted,
  lockLimits,
  idlePolling = 'auto',
  powerCut = false,
  fence: fenced = false,
}: FsStartOptions): void {
  raiseThreadPriority();
  const device = new Device(deviceFd, wakeFd, new IdleProcessors(idlePolling, log), log);
  const survivor = new Survivor(options.survivor ?? createSurvivorDescriptors(), log);
  const passthrough = new Passthrough(deviceFd, log);
  const behind = watch ? new BehindTheBack(log) : undefined;
  // What INIT has settled lasts as long as the connection, whatever a new supervisor was told.
  const isKernelLocks = survivor.agreement === undefined ? locksWanted === 'kernel' : !survivor.agreement.locks;
  const fence = new Fence(dataDir, openersToFind(options.stateDir), survivor.fence, log);
  if (fenced && !survivor.isSurveyed) fence.survey();
  survivor.isSurveyed = true;
  send({ type: 'fenced', databases: fence.databases });
  const tree = openTree(dataDir, {
    caller: new Caller(),
    passthrough,
    ownChanges: new OwnChanges(),
    syncer: new Syncer(new SyncAverage(syncAverage), (job) => send({ type: 'sync', job })),
    lastCloses: new LastCloses((fds) => send({ type: 'close', fds })),
    powerCut: powerCut ? new PowerCut() : undefined,
    fence,
    refusesFenced: isKernelLocks,
    survivor,
    directories: behind,
  });
  const timeoutSeconds = requestTimeoutSeconds();
  if (timeoutSeconds !== undefined)
    log('warn', 'kernel-request-timeout', { timeoutSeconds, effect: 'shorter lock waits' });
  const limits = timeoutSeconds === undefined ? lockLimits : boundedBy(timeoutSeconds, lockLimits);
  const arbiter = isKernelLocks
    ? undefined
    : new LockArbiter({
        nodes: tree.nodes,
        dataDir,
        log,
        survivor,
        answer: (asked, result) => session.answer(asked, result),
        committed: (databases) => send({ type: 'committed', databases }),
        ...(limits === undefined ? {} : { limits }),
      });
  const answer = (asked: Owed, result: number) => session.answer(asked, result);
  const locks = arbiter && new FencedLocks(arbiter, fence, arbiter.manager.limits, answer);
  const session: Session = new Session({
    tree,
    survivor,
    log,
    ...(locks === undefined ? {} : { locks }),
    write: (bytes, sizeBytes) => device.write(bytes, sizeBytes),
    wantsPassthrough: wanted !== 'off',
    initialized: (isNegotiated) => {
      passthrough.start(wanted, isNegotiated, dataDir);
      if (passthrough.isActive) noteRegistration(options.stateDir, passthrough.takesPathDescriptor);
      send({ type: 'ready', passthrough: passthroughState() });
    },
  });
  // Written to once: a process that is killed while the kernel copies into a page that is not there yet costs the caller an EIO.
  const request = Buffer.alloc(requestBytes).fill(1);
  if (survivor.generation > 1) takeOver();

  const pressure = new DescriptorPressure(raiseDescriptorLimit());
  let collectAtMs = Number.POSITIVE_INFINITY;
  if (behind !== undefined) device.listenTo(behind.fd);

  for (;;) {
    const length = device.receive(request, session.isResuming ? 0 : untilDueMs());
    if (length === unmounted) {
      send({ type: 'unmounted' });
      return;
    }
    if (length > 0) session.serve(request, length);
    else if (session.isResuming) session.endOfRepeats();
    if (length === 0 && answerMessages() === 'stop') return;
    locks?.runDue(length === 0);
    checkFence();
    if (pressure.isHigh(tree)) send({ type: 'make-room', messages: pressure.relieve(tree) });
    tree.lastCloses.runDue();
    if (length === 0) survivor.kept.clearIfDue();
    collectChanges();
  }

  /** For poll: milliseconds, -1 when nothing is due. */
  function untilDueMs(): number {
    const lockDueMs = locks?.nextDueMs() ?? -1;
    const nextMs = Math.min(collectAtMs, fence.nextCheckMs, survivor.kept.nextClearMs, tree.lastCloses.dueMs);
    if (nextMs === Number.POSITIVE_INFINITY) return lockDueMs;
    const dueMs = Math.max(0, Math.ceil(nextMs - performance.now()));
    return lockDueMs < 0 ? dueMs : Math.min(lockDueMs, dueMs);
  }

  /** Asks now and then whether the programs of a dead mount have closed what they had open. */
  function checkFence(): void {
    if (fence.nextCheckMs === Number.POSITIVE_INFINITY || performance.now() < fence.nextCheckMs) return;
    closeFenced(tree);
    if (!fence.check(performance.now())) return;
    locks?.lifted();
    send({ type: 'fenced', databases: fence.databases });
  }

  /** Waits from the first event for a while, so that many are looked at together. */
  function collectChanges(): void {
    if (behind === undefined) return;
    if (device.hasHeard) {
      device.listenTo(-1);
      collectAtMs = performance.now() + batchMs;
    } else if (performance.now() >= collectAtMs) {
      collectAtMs = Number.POSITIVE_INFINITY;
      const messages = behind.collect(tree);
      if (messages.length > 0) send({ type: 'tell-kernel', messages });
      device.listenTo(behind.fd);
    }
  }

  /** Goes on where the fs process before this one has ended. */
  function takeOver(): void {
    const { agreement, generation } = survivor;
    if (agreement !== undefined) {
      const startedMs = performance.now();
      const { mirrors, ...restored } = restore(tree, survivor, dataDir, log);
      arbiter?.restore(tree.files.values(), mirrors);
      log('info', 'taken-over', { generation, ...restored, tookMs: Math.round(performance.now() - startedMs) });
      session.resume(agreement);
    }
    device.askAgain();
  }

  function answerMessages(): 'stop' | undefined {
    for (;;) {
      const received = receiveMessageOnPort(port) as { readonly message: ToLoop } | undefined;
      if (received === undefined) return undefined;
      const { message } = received;
      switch (message.type) {
        case 'stop':
          return 'stop';
        case 'room-made':
          pressure.relieved();
          break;
        case 'power-cut':
          tree.powerCut?.cut(Math.random);
          process.kill(process.pid, 'SIGKILL');
          break;
        case 'status':
          send({ type: 'answer', id: message.id, value: status() });
          break;
        case 'locks':
          send({ type: 'locks', id: message.id, databases: arbiter?.snapshot() ?? [] });
          break;
        case 'writers':
          send({ type: 'answer', id: message.id, value: arbiter?.writersOf(message.database) });
          break;
        case 'long-holders':
          send({ type: 'long-holders', databases: arbiter?.longHolders() ?? [] });
          break;
        default:
          message satisfies never;
      }
    }
  }

  function passthroughState() {
    const { reason } = passthrough;
    return { active: passthrough.isActive, ...(reason === undefined ? {} : { reason }) };
  }

  function status(): FsStatus {
    const { active, reason } = passthroughState();
    return {
      requests: session.requests,
      passthrough: active,
      ...(reason === undefined ? {} : { passthroughReason: reason }),
      nodes: tree.nodes.size,
      handles: tree.files.size,
      backingFiles: passthrough.backingFiles,
      fenced: fence.databases,
      pending: locks?.pending ?? 0,
      ...(arbiter === undefined ? {} : { locks: arbiter.manager.counters.toJSON() }),
    };
  }
}
