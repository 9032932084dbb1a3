// The thread that answers the kernel, one request at a time. It never returns to Node's event loop while it serves: the
// main thread posts messages and wakes it through an eventfd.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FsError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FsStatus } from '../messages.ts';
import { closeFenced } from '../nodes/files.ts';
import { moveDatabase } from '../nodes/ram-moves.ts';
import { inHeader } from '../protocol/layouts.ts';
import { opcodeNames } from '../protocol/opcodes.ts';
import { restore } from '../state/restore.ts';
import { raiseDescriptorLimit, raiseThreadPriority } from '../system/process.ts';
import { DescriptorPressure } from './descriptor-pressure.ts';
import { unmounted } from './device.ts';
import { maxWriteBytes } from './handshake.ts';
import type { FromLoop, LoopData, ToLoop } from './loop-messages.ts';
import { batchMs } from './outside-changes.ts';
import { assemble, type Parts } from './parts.ts';
import { type Step, Steps } from './steps.ts';
import { Views } from './views.ts';

/** Room for the largest WRITE and its headers; the kernel asks for 8 KiB more than max_write at most. */
const requestBytes = maxWriteBytes + 8192;

class Loop {
  readonly #parts: Parts;
  readonly #dataDir: string;
  readonly #port: MessagePort;
  readonly #log: Log;
  readonly #pressure: DescriptorPressure;
  readonly #steps: Steps;
  readonly #views = new Views();
  // Written to once: a process that is killed while the kernel copies into a page that is not there yet costs the
  // caller an EIO.
  readonly #request = Buffer.alloc(requestBytes).fill(1);
  #length = 0;
  #isStopping = false;
  #collectAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: Parts, dataDir: string, port: MessagePort, log: Log) {
    this.#parts = parts;
    this.#dataDir = dataDir;
    this.#port = port;
    this.#log = log;
    this.#steps = new Steps(log);
    this.#pressure = new DescriptorPressure(raiseDescriptorLimit(), parts.device.takesPrune());
  }

  /** Until the mount is gone or the main thread says stop. */
  run(): void {
    const { device, keptState, outside, tree, session } = this.#parts;
    if (keptState.generation > 1) this.#takeOver();
    if (outside !== undefined) device.listenTo(outside.fd);
    for (;;) {
      this.#length = device.receive(this.#request, session.isResuming ? 0 : this.#untilDueMs());
      if (this.#length === unmounted) {
        this.#send({ type: 'unmounted' });
        return;
      }
      if (device.arrivedMs !== undefined) this.#steps.waited(device.arrivedMs);
      this.#steps.run(this.#length > 0 ? this.#serve : this.#idle);
      if (this.#isStopping) return;
      for (const step of this.#upkeep) this.#steps.run(step);
      const pauseMs = this.#pressure.pauseMs(tree);
      if (pauseMs === 0) continue;
      device.pause(pauseMs);
      this.#steps.waited(performance.now());
    }
  }

  readonly #serve: Step = {
    name: () => opcodeNames[this.#request.readUInt32LE(inHeader.opcode)] ?? 'unknown request',
    run: () => {
      this.#parts.session.serve(this.#request, this.#length);
      return true;
    },
  };

  readonly #idle: Step = {
    name: () => 'messages',
    run: () => {
      const { session } = this.#parts;
      if (session.isResuming) session.endOfRepeats();
      return this.#answerMessages();
    },
  };

  /** After every request. */
  readonly #upkeep: readonly Step[] = [
    { name: () => 'locks that are due', run: () => this.#parts.locks?.runDue(this.#length === 0) === true },
    { name: () => 'fence', run: () => this.#checkFence() },
    { name: () => 'descriptors', run: () => this.#relievePressure() },
    {
      name: () => 'closes',
      run: () => {
        const { tree, keptState } = this.#parts;
        const hasClosed = tree.lastCloses.runDue();
        return (this.#length === 0 && keptState.descriptors.clearIfDue()) || hasClosed;
      },
    },
    { name: () => 'postponed', run: () => this.#servePostponed() },
    { name: () => 'changes', run: () => this.#collectChanges() },
    { name: () => 'views', run: () => this.#views.run() },
  ];

  #servePostponed(): boolean {
    const { tree, session } = this.#parts;
    if (tree.postponed.dueMs > performance.now()) return false;
    for (const request of tree.postponed.takeDue()) session.serveAgain(request);
    return true;
  }

  #relievePressure(): boolean {
    const { tree } = this.#parts;
    if (!this.#pressure.isHigh(tree)) return false;
    this.#send({ type: 'make-room', messages: this.#pressure.relieve(tree) });
    return true;
  }

  /** For poll: milliseconds, -1 when nothing is due. */
  #untilDueMs(): number {
    const { keptState, fence, tree, locks } = this.#parts;
    const lockDueMs = locks?.nextDueMs() ?? -1;
    const nextMs = Math.min(
      this.#collectAtMs,
      fence.nextCheckMs,
      keptState.descriptors.nextClearMs,
      tree.lastCloses.dueMs,
      tree.postponed.dueMs,
    );
    if (this.#views.isDue) return 0;
    if (nextMs === Number.POSITIVE_INFINITY) return lockDueMs;
    const dueMs = Math.max(0, Math.ceil(nextMs - performance.now()));
    return lockDueMs < 0 ? dueMs : Math.min(lockDueMs, dueMs);
  }

  /** Asks now and then whether the programs of a dead mount have closed what they had open. */
  #checkFence(): boolean {
    const { fence, tree, locks } = this.#parts;
    if (fence.nextCheckMs === Number.POSITIVE_INFINITY || performance.now() < fence.nextCheckMs) return false;
    closeFenced(tree);
    if (!fence.check(performance.now())) return true;
    locks?.lifted();
    this.#send({ type: 'fenced', databases: fence.databases });
    return true;
  }

  /** Waits from the first event for a while, so that many are looked at together; of very many some at a time. */
  #collectChanges(): boolean {
    const { outside, device, tree } = this.#parts;
    if (outside === undefined) return false;
    if (device.hasHeard) {
      device.listenTo(-1);
      this.#collectAtMs = performance.now() + batchMs;
      return false;
    }
    if (this.#collectAtMs === Number.POSITIVE_INFINITY || performance.now() < this.#collectAtMs) return false;
    const { messages, isAll } = outside.collect(tree);
    if (messages.length > 0) this.#send({ type: 'tell-kernel', messages });
    if (!isAll) return true;
    this.#collectAtMs = Number.POSITIVE_INFINITY;
    device.listenTo(outside.fd);
    return true;
  }

  /** Goes on where the fs process before this one has ended. */
  #takeOver(): void {
    const { device, keptState, tree, coordinated, session } = this.#parts;
    const { agreement, generation } = keptState;
    if (agreement !== undefined) {
      const startedMs = performance.now();
      const { mirrors, ...restored } = restore(tree, keptState, this.#dataDir, this.#log);
      coordinated?.restore(tree.files.values(), mirrors);
      const tookMs = Math.round(performance.now() - startedMs);
      this.#log('info', 'taken-over', { generation, ...restored, tookMs, ...this.#diedIn() });
      session.resume(agreement);
    }
    device.askAgain();
  }

  /** Which request was being served when the process before this one ended. */
  #diedIn(): object {
    const { interrupted } = this.#parts.keptState.operation;
    return interrupted === undefined
      ? {}
      : { diedIn: opcodeNames[interrupted.opcode] ?? 'unknown request', deathsInIt: interrupted.deaths };
  }

  /** False when there was none. */
  #answerMessages(): boolean {
    const { tree, coordinated, session } = this.#parts;
    for (let hasAnswered = false; ; hasAnswered = true) {
      const received = receiveMessageOnPort(this.#port) as { readonly message: ToLoop } | undefined;
      if (received === undefined) return hasAnswered;
      const { message } = received;
      switch (message.type) {
        case 'stop':
          this.#isStopping = true;
          return true;
        case 'room-made':
          this.#pressure.relieved();
          break;
        case 'errand-done': {
          const owed = tree.errands.finished(message.errand.id);
          const { result, data } = message.errand;
          if (owed) session.finish(owed.asked, (out) => owed.finish(result, out, data));
          break;
        }
        case 'power-cut':
          this.#parts.powerCut?.cut(Math.random);
          process.kill(process.pid, 'SIGKILL');
          break;
        case 'status':
          this.#send({ type: 'answer', id: message.id, value: this.#status() });
          break;
        case 'locks':
          this.#views.add(coordinated?.views() ?? [], (databases, isLast) =>
            this.#send({ type: 'locks', id: message.id, databases, isLast }),
          );
          break;
        case 'writers':
          this.#send({ type: 'answer', id: message.id, value: coordinated?.writersOf(message.database) });
          break;
        case 'ram-chosen':
          this.#parts.choices.current = message.choices;
          break;
        case 'ram-move':
          this.#send({ type: 'answer', id: message.id, value: moveDatabase(tree, this.#dataDir, message.move) });
          break;
        case 'long-holders':
          this.#views.add(coordinated?.longHolders() ?? [], (databases) =>
            this.#send({ type: 'long-holders', databases }),
          );
          break;
        default:
          message satisfies never;
      }
    }
  }

  #status(): FsStatus {
    const { passthrough, fence, tree, coordinated, locks, session, keptState } = this.#parts;
    const { active, reason } = passthrough.state;
    return {
      requests: session.requests,
      passthrough: active,
      ...(reason === undefined ? {} : { passthroughReason: reason }),
      nodes: tree.nodes.size,
      handles: tree.files.size,
      backingFiles: passthrough.backingFiles,
      fenced: fence.databases,
      pending: locks?.pending ?? 0,
      refusedForRoom: keptState.full.refusals,
      steps: this.#steps.counts,
      ...(coordinated === undefined ? {} : { locks: coordinated.manager.counters.toJSON() }),
    };
  }

  #send(message: FromLoop): void {
    this.#port.postMessage(message);
  }
}

if (parentPort === null) throw new Error('fs/channel/loop.ts runs as a worker thread');
const port = parentPort;
const data = workerData as LoopData;
const send = (message: FromLoop) => port.postMessage(message);
const log: Log = (level, event, fields) => send({ type: 'log', level, event, fields });

try {
  raiseThreadPriority();
  new Loop(assemble(data, send, log), data.options.dataDir, port, log).run();
} catch (error) {
  const { code, message, hint } =
    error instanceof FsError ? error : { code: 'internal', message: stackOf(error), hint: undefined };
  send({ type: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
}
port.close();

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
