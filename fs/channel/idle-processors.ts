// Keeps idle processors from halting while programs ask back to back. A program sleeps while it waits for its answer;
// where its processor halts meanwhile, waking it up is most of what a lock costs in a virtual machine (2 CPUs: 16,000
// point reads a second, and 41,000 without halting). The kernel's interface for this is /dev/cpu_dma_latency (PM QoS):
// idle processors poll for as long as somebody holds it open with a tolerated latency of 0, so a process that is killed
// leaves nothing behind.
import { availableParallelism } from 'node:os';
import type { Log } from '../log.ts';
import { O_CLOEXEC, O_WRONLY, openat, write } from '../system/files.ts';
import { lastError } from '../system/libc.ts';
import { AT_FDCWD } from '../system/stat.ts';

const interfacePath = Buffer.from('/dev/cpu_dma_latency\0');
/** All idle processors of the machine poll, which costs power: on larger machines somebody has to want it. */
const mostProcessors = 4;
/** Back to back: so many requests within so many milliseconds. */
const windowRequests = 64;
const windowMs = 32;
/** How long after the last request processors may poll, at most twice that. */
const restMs = 10;
/** Microseconds, as the kernel takes them: none, and its default, which forbids nothing. */
const noLatency = 0;
const defaultLatency = -1;

export class IdleProcessors {
  readonly #fd: number;
  readonly #latency = Buffer.alloc(4);
  #isPolling = false;
  #requests = 0;
  #windowStartMs = 0;
  #requestsBefore = 0;

  constructor(wanted: 'auto' | 'on' | 'off', log: Log) {
    const isWanted = wanted === 'on' || (wanted === 'auto' && availableParallelism() <= mostProcessors);
    this.#fd = isWanted ? openat(AT_FDCWD, interfacePath, O_WRONLY | O_CLOEXEC, 0) : -1;
    if (wanted === 'on' && this.#fd < 0)
      log('warn', 'idle-polling-impossible', { reason: lastError('open', '/dev/cpu_dma_latency').message });
  }

  /** A request has come. */
  asked(): void {
    this.#requests += 1;
    if (this.#requests % windowRequests !== 0 || this.#fd < 0) return;
    const nowMs = performance.now();
    this.#poll(nowMs - this.#windowStartMs <= windowMs);
    this.#windowStartMs = nowMs;
  }

  /** How long the loop may wait for the next request before it calls waited(). -1: for ever. */
  boundedMs(timeoutMs: number): number {
    if (!this.#isPolling) return timeoutMs;
    return timeoutMs < 0 ? restMs : Math.min(timeoutMs, restMs);
  }

  /** A wait has ended without a request. */
  waited(): void {
    if (this.#isPolling && this.#requests === this.#requestsBefore) this.#poll(false);
    this.#requestsBefore = this.#requests;
  }

  #poll(isPolling: boolean): void {
    if (isPolling === this.#isPolling) return;
    this.#isPolling = isPolling;
    this.#latency.writeInt32LE(isPolling ? noLatency : defaultLatency);
    write(this.#fd, this.#latency, this.#latency.length);
  }
}
