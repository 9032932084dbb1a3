// What the daemon writes down for whoever starts next: its processes, its mount, and the mounts that have died with
// programs which may still have files open. The next start has to fence those, so it must not forget them.
import { identityOf } from '../children/process-identity.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import {
  currentBootId,
  type Instance,
  type InstanceRecord,
  readRecord,
  removeInstance,
  writeRecord,
} from '../instance/instances.ts';
import type { Log } from '../log.ts';
import type { MountService } from '../mount/mount-service.ts';

export interface Mounted {
  readonly mountPoint: string;
  readonly service: MountService;
}

export class KeptRecord {
  /** Of the daemon before this one, if it has not removed it. */
  readonly earlier: InstanceRecord | undefined;
  readonly #instance: Instance;
  readonly #data: string;
  readonly #log: Log;
  #dead: readonly number[] = [];
  #fenced: readonly string[] = [];
  #isWritten = false;
  /**
   * Programs still had files open at the end, or a mount of an earlier daemon has not been taken over yet: the next
   * start must find out whether they have closed them.
   */
  #isNeeded: boolean;

  constructor(instance: Instance, data: string, log: Log) {
    this.#instance = instance;
    this.#data = data;
    this.#log = log;
    this.earlier = readRecord(instance);
    this.#isNeeded = this.earlier !== undefined;
  }

  /** Of mounts that have died: their programs may still have files open, until a survey has said that nothing is. */
  get dead(): readonly number[] {
    return this.#dead;
  }

  /** Databases that are locked for those programs. */
  get fenced(): readonly string[] {
    return this.#fenced;
  }

  setNeeded(isNeeded: boolean): void {
    this.#isNeeded = isNeeded;
  }

  setDead(connections: readonly number[]): void {
    this.#dead = connections;
  }

  /** A survey has looked at every file, or a fence was lifted. */
  setFenced(databases: readonly string[]): void {
    this.#fenced = databases;
    if (databases.length === 0) this.#dead = [];
  }

  /** @throws CommandError where it is the first, without which the next start would not know whom to fence */
  write(mounted: Mounted | undefined): void {
    const record: InstanceRecord = {
      pid: process.pid,
      data: this.#data,
      mount: mounted?.mountPoint ?? null,
      connection: mounted?.service.connection ?? null,
      dead: this.#dead,
      fs: (mounted?.service.pids ?? []).flatMap((pid) => identityOf(pid) ?? []),
      bootId: currentBootId(),
    };
    try {
      writeRecord(this.#instance, record);
      this.#isWritten = true;
    } catch (cause) {
      const reason = `cannot write to the run-time folder ${this.#instance.folder}: ${messageOf(cause)}`;
      if (!this.#isWritten) throw new CommandError(exitCodes.failed, reason, { hint: 'free space there', cause });
      this.#log.error('record-not-written', { reason });
    }
  }

  /** At the end. */
  removeUnlessNeeded(): void {
    if (!this.#isNeeded && this.#dead.length === 0) removeInstance(this.#instance);
  }
}
