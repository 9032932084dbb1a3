// Who has proved to be a reader of one database: a process by many read transactions without a write attempt, and a
// program file by the same over its short-lived processes. Bounded, so that a million processes leave no trace.
import type { LockLimits } from './limits.ts';
import type { ProcessIdentity } from './types.ts';

const MOST_RECORDS = 1024;

interface Programs {
  reads: number;
  lastWriteAttemptMs: number;
}

/** How sure we are that the transaction about to begin will not write. */
export type Proof = 'process' | 'program' | 'none';

export class ReaderProof {
  private readonly processes = new Map<string, number>();
  private readonly programs = new Map<string, Programs>();
  /** Read transactions by anybody since somebody last tried to write. */
  readsInARow = 0;

  readEnded(who: ProcessIdentity): void {
    this.readsInARow++;
    const reads = this.processes.get(who.key);
    if (reads === undefined) dropOldest(this.processes);
    this.processes.set(who.key, (reads ?? 0) + 1);
    this.program(who).reads++;
  }

  writeAttempted(who: ProcessIdentity, nowMs: number): void {
    this.readsInARow = 0;
    this.processes.delete(who.key);
    const program = this.program(who);
    program.reads = 0;
    program.lastWriteAttemptMs = nowMs;
  }

  /** For a process whose key may be another one's next. */
  forget(who: ProcessIdentity): void {
    this.processes.delete(who.key);
    this.programs.delete(who.executable);
  }

  isProvedProcess(who: ProcessIdentity, limits: LockLimits): boolean {
    return (this.processes.get(who.key) ?? 0) >= limits.readerProof;
  }

  /**
   * A program is trusted less than a process: the next of its processes may well be a writer. So it is proved only when
   * none of them tried to write for a good while.
   */
  isProvedProgram(who: ProcessIdentity, limits: LockLimits, nowMs: number): boolean {
    const program = this.programs.get(who.executable);
    return (
      program !== undefined &&
      program.reads >= limits.readerProof &&
      nowMs - program.lastWriteAttemptMs >= limits.executableDoubtMs
    );
  }

  private program(who: ProcessIdentity): Programs {
    let program = this.programs.get(who.executable);
    if (!program) {
      dropOldest(this.programs);
      program = { reads: 0, lastWriteAttemptMs: Number.NEGATIVE_INFINITY };
      this.programs.set(who.executable, program);
    }
    return program;
  }
}

function dropOldest(records: Map<string, unknown>): void {
  if (records.size < MOST_RECORDS) return;
  for (const oldest of records.keys()) {
    records.delete(oldest);
    return;
  }
}
