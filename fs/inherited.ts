// The numbers under which an fs process finds what it inherits from the supervisor.
import type { SurvivorDescriptors } from './state/survivor.ts';

export const deviceInChild = 3;
export const survivorInChild: SurvivorDescriptors = { memoryFd: 4, sendFd: 5, receiveFd: 6 };
