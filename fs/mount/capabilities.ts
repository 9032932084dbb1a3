// What this machine can do for a mount, as far as it can be told without mounting.
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';

export interface FuseCapabilities {
  readonly kernel: string;
  /** /dev/fuse exists and may be opened for reading and writing. */
  readonly device: boolean;
  /** This process may mount: CAP_SYS_ADMIN. */
  readonly mayMount: boolean;
  /** Passthrough looks possible; the backing file system has the last word when the first file is opened. */
  readonly passthrough: boolean;
  /** One sentence for each thing that is missing, with what to do about it. */
  readonly missing: readonly string[];
}

const CAP_SYS_ADMIN = 21n;
// Passthrough came with kernel 6.9.
const passthroughKernel = [6, 9] as const;

export function inspectFuse(): FuseCapabilities {
  const kernel = release();
  const device = hasDevice();
  const mayMount = hasCapability(CAP_SYS_ADMIN);
  const newEnough = isAtLeast(kernel, passthroughKernel);
  const firstNamespace = inFirstUserNamespace();
  const missing: string[] = [];
  if (!device)
    missing.push('/dev/fuse cannot be opened: load the fuse module, or give the container --device /dev/fuse.');
  if (!mayMount) missing.push('This process may not mount: run it as root (CAP_SYS_ADMIN).');
  if (!newEnough)
    missing.push(`Kernel ${kernel} has no FUSE passthrough (6.9 or later): data goes through the daemon.`);
  if (!firstNamespace)
    missing.push('Passthrough needs the first user namespace (no rootless container): data goes through the daemon.');
  return { kernel, device, mayMount, passthrough: device && mayMount && newEnough && firstNamespace, missing };
}

function hasDevice(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return statSync('/dev/fuse').isCharacterDevice();
  } catch {
    return false;
  }
}

function hasCapability(bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & (1n << bit)) !== 0n;
}

function isAtLeast(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const [hasMajor = 0, hasMinor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}

function inFirstUserNamespace(): boolean {
  // Only the first one maps all 2^32 - 1 ids onto themselves.
  return /^\s*0\s+0\s+4294967295\s*$/m.test(readFileSync('/proc/self/uid_map', 'latin1'));
}
