// Device numbers, as stat(2) gives them in one number and statx(2) in two: gnu_dev_makedev of glibc. Pure.
import type { FileKey } from '../state/position-slots.ts';

export function deviceOf(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
}

export function fileKeyOf({ inode, device }: { readonly inode: string; readonly device: string }): FileKey {
  const number = BigInt(device);
  return {
    inode: Number(inode),
    deviceMajor: Number(((number >> 32n) & ~0xfffn) | ((number >> 8n) & 0xfffn)),
    deviceMinor: Number(((number >> 12n) & 0xffffff00n) | (number & 0xffn)),
  };
}
