// What a handler returns: the size of the payload that it wrote, or a negative errno as the kernel's own file systems
// do, or SILENT or ANSWERED.
import { constants } from 'node:os';

/** No answer now: the kernel expects none, or Session.answer sends it when it is known. */
export const SILENT = Number.MIN_SAFE_INTEGER;
/** The answer has been sent already; what followed it is done. */
export const ANSWERED = Number.MIN_SAFE_INTEGER + 1;
export const {
  EAGAIN,
  EBADF,
  EBUSY,
  EDEADLK,
  EEXIST,
  EINTR,
  EINVAL,
  EIO,
  ENFILE,
  ENOENT,
  ENOLCK,
  ENOSPC,
  ENOSYS,
  EPERM,
  EPROTO,
  ESTALE,
  EXDEV,
} = constants.errno;
