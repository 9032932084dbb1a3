// The error of this folder: what failed on which path, and what the operator can do about it. Handlers throw it
// with an errno name as code, which the session turns into the number that the kernel gets.
import { constants } from 'node:os';

export interface FsErrorDetails {
  /** What was being done, as `mount` or `openat`. */
  readonly op?: string;
  readonly path?: string;
  /** What an operator can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const nameOfErrno = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));
// Two names for one number: keep the one that man pages use.
nameOfErrno.set(constants.errno.EAGAIN, 'EAGAIN');
nameOfErrno.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

export class FsError extends Error {
  /** An errno name (`ENOENT`), or a code of our own from the table in fs/README.md. */
  readonly code: string;
  readonly op: string | undefined;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: FsErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'FsError';
    this.code = code;
    this.op = details.op;
    this.path = details.path;
    this.hint = details.hint;
  }
}

/** The name of an errno value, or `E<number>` for one that this Node does not know. */
export function errnoName(errno: number): string {
  return nameOfErrno.get(errno) ?? `E${errno}`;
}
