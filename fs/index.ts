// What the daemon may use of this folder: mount and unmount, look at mounts that are there, ask what this machine can
// do, the border to libc, and the messages of the fs process, which runs main.ts. Nothing here touches a path on a
// mount in this process.
import { fileURLToPath } from 'node:url';

export type {
  ArchiveAnswer,
  ArchivedDatabase,
  ArchiveErrorCode,
  ArchiveQuestion,
  ArchiveStartOptions,
  ArchiveStatus,
  VerifyAnswer,
} from './archive/messages.ts';
export type {
  ShipFailure,
  ShippedDatabase,
  ShipStartOptions,
  ShipStatus,
  ToShip,
} from './archive/ship/messages.ts';
export { openStore } from './archive/ship/open-store.ts';
export { probeStore } from './archive/ship/probe-store.ts';
export { FsError } from './errors.ts';
export { Fence, type FenceStore } from './fence/fence.ts';
export { openersToFind } from './fence/registration.ts';
export { globSource } from './globs.ts';
export { deviceInChild, keptStateInChild } from './inherited.ts';
export type { LockView, NamedDatabaseLocks, NamedHolder, NamedWaiter } from './lock-binding/view.ts';
export type { WriterRecord, WriteWindow } from './lock-binding/writers.ts';
export type { LockLimits } from './locks/limits.ts';
export type { LogLevel } from './log.ts';
export type {
  ArchiveState,
  FromFsProcess,
  FsStartOptions,
  FsStatus,
  PassthroughState,
  RamdiskOptions,
  ToFsProcess,
} from './messages.ts';
export { bindBelow, mountsBelow, unmountBelow } from './mount/below.ts';
export { type FuseCapabilities, inspectFuse } from './mount/capabilities.ts';
export { abortConnection, mountFuse, mountType, unmountFuse } from './mount/mount.ts';
export { type MountRow, readMounts } from './mount/mount-info.ts';
export {
  type FuseMount,
  findMounts,
  findMountUsers,
  inspectMount,
  type MountState,
  type MountUser,
  probeMount,
} from './mount/mounted.ts';
export type { RamMove, RamMoved } from './nodes/ram-moves.ts';
export { writeRootMode } from './nodes/root-mode.ts';
export { filesOf } from './sqlite/files.ts';
export { createKeptState, type KeptStateDescriptors } from './state/kept-state.ts';
export { takeDescriptors } from './system/foreign-descriptors.ts';
export { tryLease } from './system/leases.ts';
export { lastErrno, lastError, libcFunction } from './system/libc.ts';
export { hurryProcess } from './system/process.ts';
export { remainsOf } from './system/remains.ts';
export { DescriptorMessages } from './system/sockets.ts';

/** The compiled entry of the fs process: `node fsProcessPath`, /dev/fuse as fd 3, IPC channel. */
export const fsProcessPath = fileURLToPath(new URL('./main.js', import.meta.url));

/** The compiled entry of the tier process. */
export { chooserOf } from './ram-chooser.ts';
export type { FlushAnswer, PreparedMove, TierQuestion, TierStartOptions, TierStatus } from './tier/messages.ts';
export const tierProcessPath = fileURLToPath(new URL('./tier/main.js', import.meta.url));

/** The compiled entry of the archive process. It inherits the kept state's memory as fd 3, where there is a mount. */
export const archiveProcessPath = fileURLToPath(new URL('./archive/main.js', import.meta.url));

/** The compiled entry of the ship process. */
export const shipProcessPath = fileURLToPath(new URL('./archive/ship/main.js', import.meta.url));

/** For commands that restore and export in their own process; loaded when it is asked for. */
export function loadShipping(): Promise<typeof import('./archive/ship/one-off.ts')> {
  return import('./archive/ship/one-off.ts');
}
