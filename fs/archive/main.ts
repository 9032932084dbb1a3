// Entry of the archive process: messages of the supervisor on Node's IPC channel. It reads the backing files of
// databases, never opens one through SQLite, and never touches a path on the mount. It may be killed at any time: where
// it goes on is the last record of each log.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answerWith, endAfter, fail, listen, log, takeAlone, tell } from '../child/child.ts';
import { matcherOf } from '../globs.ts';
import { keptStateInArchive } from '../inherited.ts';
import { mapArchiveMemory } from '../state/archive-memory.ts';
import { giveMemoryBack } from '../system/memory.ts';
import {
  leavesProcessorsToOthers,
  mayTakeProcessorsBack,
  raiseDescriptorLimit,
  yieldToOthers,
} from '../system/process.ts';
import { Archive } from './archive.ts';
import { whyNotFollowed } from './discovery.ts';
import { Haste } from './haste.ts';
import { FolderLogStore } from './log/log-store.ts';
import { LogUpkeep } from './log/upkeep.ts';
import type { ArchiveAnswer, ArchiveQuestion, ArchiveStartOptions, ToArchive } from './messages.ts';
import { MountRecords } from './mount-records.ts';
import { ArchiveQuestions } from './past/questions.ts';
import { QuietFile } from './quiet-file.ts';

let archive: Archive | undefined;
let questions: ArchiveQuestions | undefined;
let haste: Haste | undefined;

process.umask(0o077);
listen((message: ToArchive) => {
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
}, stop);

async function start(options: ArchiveStartOptions): Promise<void> {
  if (archive !== undefined) return;
  const { dataDir, archiveDir, hasKeptState, include, exclude } = options;
  raiseDescriptorLimit();
  yieldToOthers();
  haste = new Haste(mayTakeProcessorsBack() ? leavesProcessorsToOthers : undefined);
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  await takeAlone(archiveDir, 'archive');
  const isRollbackIncluded = options.rollback === undefined ? () => false : matcherOf(options.rollback, []);
  const store = new FolderLogStore(archiveDir);
  const upkeep = new LogUpkeep({
    archiveDir,
    store,
    retention: options.retention,
    log,
    lookedAtAll: giveMemoryBack,
  });
  archive = new Archive({
    dataDir,
    store,
    isIncluded: matcherOf(include, exclude),
    isRollbackIncluded,
    records: hasKeptState
      ? new MountRecords(mapArchiveMemory(keptStateInArchive), options.rollback !== undefined)
      : undefined,
    haste,
    quietFile: new QuietFile(join(archiveDir, 'quiet.json')),
    makeRoom: () => upkeep.makeRoom(),
    log,
  });
  questions = new ArchiveQuestions({
    incarnations: () => store.incarnations,
    whyNone: (name) => (isRollbackIncluded(name) ? undefined : whyNotFollowed(dataDir, name)),
    liveOf: (name) => archive?.tailOf(name)?.status,
    budgetBytes: () => upkeep.budgetBytes,
    verify: (incarnations) => upkeep.verify(incarnations),
    prune: (incarnations, beforeMs) => upkeep.prune(incarnations, beforeMs),
  });
  tell({ type: 'ready' });
  await archive.start();
  upkeep.start();
}

function failed(error: NodeJS.ErrnoException): void {
  fail(error, error.code && 'the state directory needs room, and this program the right to write there');
}

function query(message: Extract<ToArchive, { type: 'query' }>): void {
  const { id } = message;
  haste?.needed();
  if (message.name === 'alive') tell({ type: 'answer', id, value: true });
  else answerWith(id, answer(message.args));
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

function stop(): void {
  haste?.needed();
  endAfter(archive?.stop());
}
