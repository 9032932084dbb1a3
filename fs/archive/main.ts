// Entry of the archive process: messages of the supervisor on Node's IPC channel. It reads the backing files of
// databases, never opens one through SQLite, and never touches a path on the mount. It may be killed at any time: where
// it goes on is the last record of each log.
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { matcherOf } from '../globs.ts';
import { keptStateInArchive } from '../inherited.ts';
import type { Log } from '../log.ts';
import { mapArchiveMemory } from '../state/archive-memory.ts';
import { F_WRLCK, setFileLock } from '../system/file-locks.ts';
import { raiseDescriptorLimit, yieldToOthers } from '../system/process.ts';
import { Archive } from './archive.ts';
import { FolderLogStore } from './log/log-store.ts';
import { LogUpkeep } from './log/upkeep.ts';
import type { ArchiveAnswer, ArchiveQuestion, ArchiveStartOptions, FromArchive, ToArchive } from './messages.ts';
import { MountRecords } from './mount-records.ts';
import { ArchiveQuestions } from './past/questions.ts';
import { QuietFile } from './quiet-file.ts';

const takeTries = 100;
const takePauseMs = 100;

let archive: Archive | undefined;
let questions: ArchiveQuestions | undefined;

process.umask(0o077);
process.on('message', (message: ToArchive) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch(failed);
      break;
    case 'committed':
      archive?.wake(message.databases);
      break;
    case 'unread':
      archive?.readNow(message.database);
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
  yieldToOthers();
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  await takeArchive(archiveDir);
  const store = new FolderLogStore(archiveDir);
  const log: Log = (level, event, fields) => toSupervisor({ type: 'log', level, event, fields });
  const upkeep = new LogUpkeep({ archiveDir, store, retention: options.retention, log });
  archive = new Archive({
    dataDir,
    store,
    isIncluded: matcherOf(include, exclude),
    records: hasKeptState ? new MountRecords(mapArchiveMemory(keptStateInArchive)) : undefined,
    quietFile: new QuietFile(join(archiveDir, 'quiet.json')),
    log,
  });
  questions = new ArchiveQuestions({
    incarnations: () => store.incarnations,
    liveOf: (name) => archive?.tailOf(name)?.status,
    budgetBytes: () => upkeep.budgetBytes,
    verify: (incarnations) => upkeep.verify(incarnations),
    prune: (incarnations, beforeMs) => upkeep.prune(incarnations, beforeMs),
  });
  toSupervisor({ type: 'ready' });
  await archive.start();
  upkeep.start();
}

/** A process that is ending may still write the logs. The lock ends with the process that has it. */
async function takeArchive(archiveDir: string): Promise<void> {
  const fd = openSync(join(archiveDir, 'lock'), 'a', 0o600);
  for (let tries = 0; !setFileLock(fd, F_WRLCK, 0, 0); tries++) {
    if (tries >= takeTries) throw new Error(`another archive process has ${archiveDir}`);
    await delay(takePauseMs);
  }
}

/** What cannot be written now may be later: the supervisor tries again. */
function failed(error: NodeJS.ErrnoException): void {
  const { code = 'internal', message } = error;
  const hint = 'the state directory needs room, and this program the right to write there';
  const answer: FromArchive = { type: 'failed', code, message, ...(code === 'internal' ? {} : { hint }) };
  process.send?.(answer, undefined, undefined, () => process.exit(1));
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
  if (archive === undefined || questions === undefined) {
    return { ok: false, code: 'not-archived', message: 'the archive process has not begun' };
  }
  return question.op === 'settle' ? settle(archive, question.database) : questions.answer(question);
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
