// File leases as a question: does anybody have this file open? fcntl(2), "Leases": a write lease is given only to the
// sole opener, a read lease while nobody has it open for writing, and descriptors that are only mapped or in flight
// over a socket count as open too. O_PATH descriptors do not.
import { fcntl } from './files.ts';
import { lastErrno } from './libc.ts';

const F_SETLEASE = 1024;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/**
 * 0: nobody else has the file of this O_RDONLY descriptor open (`writers`: for writing). Otherwise an errno; EAGAIN:
 * somebody has.
 */
export function tryLease(fd: number, openers: 'all' | 'writers' = 'all'): number {
  if (fcntl(fd, F_SETLEASE, openers === 'all' ? F_WRLCK : F_RDLCK) < 0) return lastErrno();
  fcntl(fd, F_SETLEASE, F_UNLCK);
  return 0;
}
