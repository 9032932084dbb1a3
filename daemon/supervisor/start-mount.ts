// Makes the mount and starts the fs process that serves it, and passes on what that process tells.
import { type FromFsProcess, inspectFuse } from '../../fs/index.ts';
import { Drain } from '../children/drain.ts';
import type { Settings } from '../config/options.ts';
import { CommandError, exitCodes, messageOf, sentenceOf } from '../errors.ts';
import { howToClose, isOpenToAll } from '../instance/data-directory.ts';
import type { Instance } from '../instance/instances.ts';
import { createDirectory } from '../instance/paths.ts';
import type { KeptMount } from '../mount/mount-from-systemd.ts';
import { type Mount, MountService } from '../mount/mount-service.ts';
import type { EndSteps } from './end-steps.ts';
import { toServerMessages } from './fs-to-server.ts';
import type { KeptRecord } from './kept-record.ts';
import type { Running } from './running.ts';
import { archivingOptions, startArchiveUnlessFenced } from './start-archive.ts';
import { kernelLockedDirectories } from './start-kernel-locks.ts';

export interface MountStart {
  readonly settings: Settings;
  readonly running: Running;
  readonly instance: Instance;
  readonly mountPoint: string;
  /** The mount of an earlier daemon, to go on with. */
  readonly adopted: Mount | undefined;
  readonly kept: KeptRecord;
  readonly keptMount: KeptMount;
  /** A new mount serves, and the server cannot be started again. */
  readonly onServerLost: () => void;
}

/** A user that may not mount has no use for the mount point, which may be that of root's daemon. */
export function isMountPossible(settings: Settings, running: Running): boolean {
  const { noMount, requireMount, passthrough, mount } = settings;
  if (noMount) return false;
  if (requireMount || passthrough === 'on' || inspectFuse().mayMount) return true;
  serveWithoutMount(running, mount, 'this user may not mount (run it as root, with CAP_SYS_ADMIN)');
  return false;
}

/** A mount that is impossible is no failure: HTTP then serves the data directory. */
export async function startMount(start: MountStart, end: EndSteps): Promise<void> {
  const { settings, running, mountPoint, adopted, kept, keptMount } = start;
  const service = serviceOf(start);
  try {
    // An adopted mount has nobody to answer yet: whoever looks at it waits.
    if (!adopted) createMountPoint(mountPoint);
    await service.start();
  } catch (error) {
    const reason = sentenceOf(error);
    if (settings.passthrough === 'on' || settings.requireMount) {
      throw new CommandError(exitCodes.failed, `cannot mount: ${reason}`, { cause: error });
    }
    serveWithoutMount(running, mountPoint, reason);
    return;
  } finally {
    kept.setNeeded(false); // an adopted mount serves, or is among the dead connections
  }
  running.mounted = { mountPoint, service };
  tellOfLimits(start, service);
  end.add(async (drain) => {
    const isUnused = await service.stop(drain);
    kept.setNeeded(!isUnused);
    keptMount.forget();
  });
}

function createMountPoint(path: string): void {
  try {
    createDirectory(path);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `--mount ${path} cannot be created: ${messageOf(cause)}`, {
      hint: 'choose another directory with --mount',
      cause,
    });
  }
}

function serviceOf(start: MountStart): MountService {
  const { settings, running, instance, mountPoint, adopted, kept, keptMount } = start;
  const { passthrough, locks, lockLimits, idlePolling } = settings;
  const service: MountService = new MountService({
    options: {
      dataDir: running.data,
      mountPoint,
      passthrough,
      locks,
      lockLimits,
      idlePolling,
      stateDir: instance.folder,
      fence: kept.dead.length > 0,
      kernelLocks: kernelLockedDirectories(settings),
      ...archivingOptions(settings),
    },
    ramdisk: () => running.ramdisk?.options,
    adopted,
    onChange: () => {
      kept.write({ mountPoint, service });
      if (service.mount) keptMount.keep(service.mount);
    },
    onGivenUp: (connection) => {
      kept.setDead([...kept.dead, connection]);
      kept.write({ mountPoint, service });
    },
    onMessage: (message) => {
      if (message.type === 'fenced') {
        kept.setFenced(message.databases as readonly string[]);
        kept.write({ mountPoint, service });
        startArchiveUnlessFenced(running);
      }
      // Its `type` says what else it holds: the fs process sends nothing but these.
      passOn(running, message as unknown as FromFsProcess);
    },
    onLost: async () => {
      await Promise.all([running.httpService?.stop(new Drain(0)), running.archive?.stop()]);
    },
    onBack: () => startAgain(start),
    log: running.log,
  });
  return service;
}

function passOn(running: Running, told: FromFsProcess): void {
  if (told.type === 'committed') running.archive?.committed(told.databases.map(({ name }) => name));
  if (told.type === 'unread') {
    running.archive?.unread(told.database);
    running.ramdisk?.service.unread(told.database);
  }
  for (const toServer of toServerMessages(told)) running.httpService?.send(toServer);
}

/** What has ended with the mount before, on the new one. */
function startAgain({ running, onServerLost }: MountStart): void {
  startArchiveUnlessFenced(running); // the fs process of the new mount notes commits in other memory
  const isBound = running.kernelLocks?.look() ?? Promise.resolve();
  isBound
    .then(() => running.httpService?.start())
    .catch((error: unknown) => {
      running.log.error('server-not-restarted', { reason: messageOf(error) });
      onServerLost();
    });
}

/** What the mount that serves now lacks. */
function tellOfLimits({ settings, running, mountPoint }: MountStart, { passthrough }: MountService): void {
  if (isOpenToAll(running.data)) {
    running.log.warn('data-directory-open-to-all', {
      data: running.data,
      effect: 'set-user-ID programs that containers put there work for every user of this machine',
      cure: howToClose(running.data, mountPoint),
    });
  }
  if (!passthrough.active && settings.passthrough !== 'off') {
    running.degraded.push(`no passthrough: ${passthrough.reason ?? 'unknown reason'}`);
  }
}

function serveWithoutMount({ degraded, log }: Running, mount: string, reason: string): void {
  degraded.push(`nothing is mounted: ${reason}`);
  log.warn('no-mount', { mount, reason, effect: 'HTTP serves the data directory' });
}
