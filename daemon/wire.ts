// Says to the server process, in its words, what the fs process has told in its own. The two never import each other
// (ARCHITECTURE.md, D1); this is the one place that knows both vocabularies.
import type { FromFsProcess, FsStatus } from '../fs/index.ts';
import type { FsCounters, ToServer } from '../server/index.ts';

/** What the server is told because of a message of the fs process: nothing, or a commit for each database. */
export function toServerMessages(message: FromFsProcess): ToServer[] {
  if (message.type !== 'committed') return [];
  return message.databases.map((database) => ({ type: 'commit', database }));
}

/** All zero while the fs process is down or nothing is mounted. */
export function toFsCounters(status: FsStatus | undefined): FsCounters {
  return {
    requests: status?.requests ?? {},
    lockWaits: status?.locks?.waits ?? 0,
    lockWaitMs: status?.locks?.waitMsSum ?? 0,
  };
}
