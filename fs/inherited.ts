// The numbers under which the fs process and the archive process find what they inherit from the supervisor.
import type { KeptStateDescriptors } from './state/kept-state.ts';

export const deviceInChild = 3;
/** The archive process inherits nothing else. */
export const keptStateInArchive = 3;
export const keptStateInChild: KeptStateDescriptors = { memoryFd: 4, sendFd: 5, receiveFd: 6 };
