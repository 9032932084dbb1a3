// The mount whose descriptors systemd keeps for the next life of the service: whatever has killed the daemon, its
// successor goes on with this very mount, and needs no right to look into another process. Without systemd nothing is
// kept.
import { closeSync, readlinkSync } from 'node:fs';
import { inspectMount } from '../../fs/index.ts';
import type { InstanceRecord } from '../instance/instances.ts';
import type { Log } from '../log.ts';
import type { ServiceManager } from '../systemd/notify.ts';
import { endProcesses, notEnded } from './mount-from-orphan.ts';
import type { Mount } from './mount-service.ts';

const names = ['device', 'memory', 'send', 'receive'] as const;

export class KeptMount {
  readonly #serviceManager: ServiceManager;
  readonly #log: Log;
  /** Of the mount that is kept. */
  #connection: number | undefined;

  constructor(serviceManager: ServiceManager, log: Log) {
    this.#serviceManager = serviceManager;
    this.#log = log;
  }

  /** The mount of the life before, if it is the one that is wanted and still there. Its fs process has ended then. */
  async adopt(record: InstanceRecord, mountPoint: string): Promise<Mount | undefined> {
    const { kept } = this.#serviceManager;
    const mount = await this.#adopt(record, mountPoint);
    if (mount) {
      this.#connection = mount.connection;
      return mount;
    }
    this.#serviceManager.forget([...kept.keys()]);
    for (const fd of kept.values()) closeSync(fd);
    return undefined;
  }

  keep({ fd, connection, keptState }: Mount): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    const { memoryFd: memory, sendFd: send, receiveFd: receive } = keptState;
    const descriptors: Readonly<Record<(typeof names)[number], number>> = { device: fd, memory, send, receive };
    this.#serviceManager.keep(descriptors);
  }

  forget(): void {
    this.#serviceManager.forget(names);
  }

  async #adopt(record: InstanceRecord, mountPoint: string): Promise<Mount | undefined> {
    const [fd, memoryFd, sendFd, receiveFd] = names.map((name) => this.#serviceManager.kept.get(name));
    if (fd === undefined || memoryFd === undefined || sendFd === undefined || receiveFd === undefined) return undefined;
    const connection = inspectMount(mountPoint)?.connection;
    if (record.mount !== mountPoint || connection === undefined || connection !== record.connection) return undefined;
    if (readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/fuse') return undefined;
    if (!(await endProcesses(record.fs))) {
      this.#log.warn('mount-not-adopted', { mount: mountPoint, reason: notEnded });
      return undefined;
    }
    this.#log.info('mount-adopted', { mount: mountPoint, connection, from: 'the service manager' });
    return { fd, connection, keptState: { memoryFd, sendFd, receiveFd } };
  }
}
