// The border to libc: declares the calls that Node lacks and turns errno into FsError. Every pointer is a Buffer
// that the caller owns (a struct argument costs koffi 6 microseconds, a Buffer 0.3). Numbers are those of 64-bit Linux.
import koffi from 'koffi';
import { errnoName, FsError } from '../errors.ts';

const libc = koffi.load(null);

/** Declares a libc function. Calls on several threads are fine; a blocking call blocks only its thread. */
export function libcFunction<Arguments extends unknown[], Result = number>(
  prototype: string,
): (...args: Arguments) => Result {
  return libc.func(prototype) as (...args: Arguments) => Result;
}

/** Where a Buffer's bytes are, for structs that hold pointers. Whoever stores it must keep the Buffer. */
export function addressOf(bytes: Buffer): bigint {
  return BigInt(koffi.address(bytes));
}

/** Memory at an address that stays mapped for as long as the process lives. */
export function viewOf(address: bigint, sizeBytes: number): ArrayBuffer {
  return koffi.view(address, sizeBytes);
}

/**
 * The same call on a thread of its own: for those that may block for long. Rejects never; the result is what libc
 * returns.
 */
export function libcFunctionAsync<Arguments extends unknown[]>(
  prototype: string,
): (...args: Arguments) => Promise<number> {
  const { async: start } = libc.func(prototype);
  return (...args) =>
    new Promise((resolve) => {
      start(...args, (_error: unknown, result: number) => resolve(result));
    });
}

/** errno of this thread's last failed call. Read it before anything else can call libc. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The same, negative: what a handler returns. */
export function failed(): number {
  return -lastErrno();
}

/** The error of the call that has just returned -1. */
export function lastError(op: string, path?: string): FsError {
  const code = errnoName(koffi.errno());
  const message = path === undefined ? `${op}: ${code}` : `${op} ${path}: ${code}`;
  return new FsError(code, message, path === undefined ? { op } : { op, path });
}
