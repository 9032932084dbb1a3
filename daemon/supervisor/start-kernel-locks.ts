// Leaves directories of the mount to the kernel's locks, where that is asked for.
import type { Settings } from '../config/options.ts';
import { KernelLocks } from '../mount/kernel-locks.ts';
import type { EndSteps } from './end-steps.ts';
import type { Running } from './running.ts';

/** Below which no lock of the mount's own is asked for. Empty where the kernel keeps the locks of the whole mount. */
export function kernelLockedDirectories({ locks, locksKernel }: Settings): readonly string[] {
  return locks === 'kernel' ? [] : locksKernel;
}

/** To be called once the mount serves; ends before it. */
export async function startKernelLocks(settings: Settings, running: Running, end: EndSteps): Promise<void> {
  const { mounted, data, log } = running;
  if (mounted === undefined) return;
  const directories = kernelLockedDirectories(settings);
  const service = new KernelLocks({ dataDir: data, mountPoint: mounted.mountPoint, directories, log });
  running.kernelLocks = service;
  end.add((drain) => service.stop(drain));
  await service.start();
}
