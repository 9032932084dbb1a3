// Says to the server process, in its words, what the fs process has told in its own. The two never import each other
// (ARCHITECTURE.md, "Floors"); this is the one place that knows both vocabularies.
import { basename } from 'node:path';
import type { FromFsProcess, FsStatus, LockView, WriterRecord } from '../../fs/index.ts';
import type { FsCounters, LockSnapshot, ToServer, WriteRecord } from '../../server/index.ts';

/** What the server is told because of a message of the fs process: nothing, or a commit for each database. */
export function toServerMessages(message: FromFsProcess): ToServer[] {
  if (message.type !== 'committed') return [];
  return message.databases.map(({ name, pids }) => ({ type: 'commit', database: name, pids }));
}

/** All zero while the fs process is down or nothing is mounted. */
export function toFsCounters(status: FsStatus | undefined): FsCounters {
  return {
    requests: status?.requests ?? {},
    lockWaits: status?.locks?.waits ?? 0,
    lockWaitMs: status?.locks?.waitMsSum ?? 0,
    refusedForRoom: status?.refusedForRoom ?? 0,
    longestStepMs: status?.steps.longestMs ?? 0,
    slowSteps: status?.steps.slow ?? 0,
  };
}

/** null while nobody keeps a record: no mount, no fs process, or the kernel keeps the locks. */
export function toWriteRecord(record: WriterRecord | undefined): WriteRecord | null {
  if (record === undefined) return null;
  return { ...record, windows: record.windows.map((window) => ({ ...window, command: programName(window.command) })) };
}

/** Over HTTP a command is the program's name alone: its arguments may hold secrets. */
function programName(command: string): string {
  return basename(command.split(' ')[0] ?? '');
}

export function toLockSnapshot(view: LockView | undefined): LockSnapshot {
  return {
    databases: (view?.databases ?? []).map(({ db, journal, holders, waiters }) => ({
      db,
      journal,
      holders: holders.map(({ lock, mode, pid, command, container, since, heldMs }) => ({
        lock,
        mode,
        pid,
        command: programName(command),
        container,
        since,
        heldMs,
      })),
      waiters: waiters.map(({ lock, mode, pid, command, container, waitMs, blockedBy }) => ({
        lock,
        mode,
        pid,
        command: programName(command),
        container,
        waitMs,
        blockedBy,
      })),
    })),
  };
}
