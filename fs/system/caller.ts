// Lets the calling thread create files as the user who asked, while it keeps root's capabilities: the kernel then
// applies its own rules for owners and set-group-ID directories. setfsuid(2), setfsgid(2), capabilities(7) on
// SECBIT_NO_SETUID_FIXUP.
import { lastError, libcFunction } from './libc.ts';

const setfsuid = libcFunction<[number]>('int setfsuid(unsigned int uid)');
const setfsgid = libcFunction<[number]>('int setfsgid(unsigned int gid)');
const prctl = libcFunction<[number, number, number, number, number]>(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);

const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 1 << 2;

/** For one thread. Files that it creates belong to the user whom become() named last. */
export class Caller {
  #uid = process.geteuid?.() ?? 0;
  #gid = process.getegid?.() ?? 0;
  readonly #canSwitch: boolean;

  /** Call it on the thread that creates the files. Without root everything belongs to whoever runs this. */
  constructor() {
    this.#canSwitch = this.#uid === 0;
    if (this.#canSwitch && prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) !== 0) throw lastError('prctl');
  }

  become(uid: number, gid: number): void {
    if (!this.#canSwitch) return;
    // Rarely changes: most mounts serve one user for long. These calls report no errors, only the previous id.
    if (gid !== this.#gid) setfsgid(gid);
    if (uid !== this.#uid) setfsuid(uid);
    this.#gid = gid;
    this.#uid = uid;
  }
}
