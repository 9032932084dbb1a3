// The numbers under which an fs process finds what it inherits from the supervisor.
import type { KeptStateDescriptors } from './state/kept-state.ts';

export const deviceInChild = 3;
export const keptStateInChild: KeptStateDescriptors = { memoryFd: 4, sendFd: 5, receiveFd: 6 };
