// Entry of the archive process: messages of the supervisor on Node's IPC channel. It reads the backing files of
// databases, never opens one through SQLite, and never touches a path on the mount. It may be killed at any time: where
// it goes on is the last record of each log.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { keptStateInArchive } from '../inherited.ts';
import { mapArchiveMemory } from '../state/archive-memory.ts';
import { raiseDescriptorLimit } from '../system/process.ts';
import { Archive } from './archive.ts';
import { matcherOf } from './globs.ts';
import { FolderLogStore } from './log/log-store.ts';
import type { ArchiveAnswer, ArchiveQuestion, ArchiveStartOptions, FromArchive, ToArchive } from './messages.ts';
import { MountRecords } from './mount-records.ts';
import { QuietFile } from './quiet-file.ts';

let archive: Archive | undefined;

process.umask(0o077);
process.on('message', (message: ToArchive) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch((error) => {
        toSupervisor({
          type: 'failed',
          code: 'internal',
          message: error instanceof Error ? error.message : `${error}`,
        });
        process.exitCode = 1;
        process.disconnect();
      });
      break;
    case 'committed':
      archive?.wake(message.databases);
      break;
    case 'query':
      query(message);
      break;
    case 'stop':
      stop();
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', stop);
// Ctrl-C reaches the whole process group, but only the supervisor knows when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

async function start(options: ArchiveStartOptions): Promise<void> {
  if (archive !== undefined) return;
  const { dataDir, archiveDir, hasKeptState, include, exclude } = options;
  raiseDescriptorLimit();
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  archive = new Archive({
    dataDir,
    store: new FolderLogStore(archiveDir),
    isIncluded: matcherOf(include, exclude),
    records: hasKeptState ? new MountRecords(mapArchiveMemory(keptStateInArchive)) : undefined,
    quietFile: new QuietFile(join(archiveDir, 'quiet.json')),
    log: (level, event, fields) => toSupervisor({ type: 'log', level, event, fields }),
  });
  await archive.start();
  toSupervisor({ type: 'ready' });
}

function query(message: Extract<ToArchive, { type: 'query' }>): void {
  const { id } = message;
  if (message.name === 'alive') {
    toSupervisor({ type: 'answer', id, value: true });
    return;
  }
  answer(message.args).then(
    (value) => toSupervisor({ type: 'answer', id, value }),
    (error) => toSupervisor({ type: 'answer', id, error: error instanceof Error ? error.message : `${error}` }),
  );
}

async function answer(question: ArchiveQuestion): Promise<ArchiveAnswer<unknown>> {
  if (archive === undefined) return { ok: false, code: 'not-archived', message: 'the archive process has not begun' };
  if (question.op === 'settle') return settle(archive, question.database);
  return { ok: false, code: 'not-archived', message: `nobody answers ${question.op}` };
}

async function settle(running: Archive, database: string): Promise<ArchiveAnswer<null>> {
  if (await running.settle(database)) return { ok: true, value: null };
  const isKnown = running.tailOf(database) !== undefined;
  return isKnown
    ? { ok: false, code: 'timeout', message: `the archive of ${database} is behind` }
    : { ok: false, code: 'not-archived', message: `${database} is not archived` };
}

async function stop(): Promise<void> {
  try {
    await archive?.stop();
  } finally {
    process.exit();
  }
}

/** A supervisor that has died a moment ago still looks connected: without the callback the write would end this. */
function toSupervisor(message: FromArchive): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
