// The executor process: holds better-sqlite3, runs one group of jobs at a time, and ends with its server. It may be
// killed at any moment: that is how a deadline is enforced on work that an interrupt does not end.
import koffi from 'koffi';
import { ApiError } from '../messages/errors.ts';
import type { FromExecutor, Outcome, ToExecutor } from '../messages/jobs.ts';
import type { PathRules } from '../messages/paths.ts';
import type { CommitPhase, Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { allowInterrupts, endInterrupts, listenForInterrupts } from './interrupts.ts';
import { fileOperations, operations } from './operations.ts';
import { failed, type GroupOutcome, type Job, runAlone, runReads, runWrites } from './run-group.ts';
import { runShared } from './run-shared.ts';
import { withoutUnsendable } from './unsendable.ts';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const RLIMIT_DATA = 2;
const idleCheckMs = 1_000;

const libc = koffi.load(null);
let rules: PathRules | undefined;
let connections: Connections | undefined;

/** Whether the server still listens is not known here: it ends its executors with it. */
function send(message: FromExecutor): void {
  try {
    process.send?.(message, undefined, undefined, () => {});
  } catch (cause) {
    const answer = withoutUnsendable(message, cause);
    if (answer === null) throw cause;
    process.send?.(answer, undefined, undefined, () => {});
  }
}

function runGroup(
  message: ToExecutor & { type: 'group' },
  started: { rules: PathRules; connections: Connections },
): void {
  const report = (index: number, outcome: Outcome): void => {
    send({ type: 'partial', id: message.id, index, outcome });
  };
  let result: GroupOutcome;
  let connection: Connection | undefined;
  try {
    connection = started.connections.get(message.path, message, Date.now());
    allowInterrupts(message.id);
    const announce = (phase: CommitPhase): void => send({ type: phase, id: message.id });
    connection.prepareFor(Date.now(), message.budgetMs, announce, message.isNamed);
    result = runJobs(connection, message, started.rules, report);
  } catch (error) {
    result = { outcomes: message.jobs.map(() => failed(error)), wrote: false };
  }
  // An interrupt may have come between a setting and its undoing.
  if (endInterrupts() || (connection?.isTainted && !connection.isKept)) started.connections.close(message.path);
  send({ type: 'done', id: message.id, ...result });
}

function runJobs(
  connection: Connection,
  message: ToExecutor & { type: 'group' },
  pathRules: PathRules,
  report: (index: number, outcome: Outcome) => void,
): GroupOutcome {
  const jobs: Job[] = message.jobs.map(({ operation, args }) => {
    const row = operations.get(operation);
    if (row === undefined) throw new ApiError('INTERNAL_ERROR', `no operation ${operation}`);
    const { share } = row;
    return {
      run: (open) => row.run(open, args, pathRules),
      ...(share === undefined ? {} : { share: (open: Connection) => share(open, args) }),
    };
  });
  switch (message.lane) {
    case 'kv-write':
      return runWrites(connection, jobs, report);
    case 'kv-read':
    case 'kv-scan':
      return runReads(connection, jobs);
    case 'sql':
    case 'sql-read':
      return runShared(connection, jobs, message.lane === 'sql');
    case 'background': {
      const [job] = jobs;
      if (job === undefined || jobs.length > 1) throw new ApiError('INTERNAL_ERROR', 'this lane runs one job');
      return runAlone(connection, job);
    }
    default:
      return message.lane satisfies never;
  }
}

function runFile(
  message: ToExecutor & { type: 'file' },
  started: { rules: PathRules; connections: Connections },
): void {
  // File work opens and closes database files, and closing any descriptor of a file drops this process's locks on it.
  started.connections.closeAll();
  let outcome: Outcome;
  try {
    const row = fileOperations.get(message.operation);
    if (row === undefined) throw new ApiError('INTERNAL_ERROR', `no operation ${message.operation}`);
    outcome = { answer: row.run(message.path, message.args, started.rules) };
  } catch (error) {
    outcome = failed(error);
  }
  send({ type: 'done', id: message.id, outcomes: [outcome], wrote: true });
}

/** Beyond it allocations fail: SQLite says so, and V8 ends the process, before the machine gets short of memory. */
function limitMemory(bytes: number): void {
  const setrlimit = libc.func('int setrlimit(int resource, const uint64_t *limit)');
  setrlimit(RLIMIT_DATA, [bytes, bytes]);
}

function receive(message: ToExecutor): void {
  if (message.type === 'start') {
    limitMemory(message.memoryBytes);
    rules = message.rules;
    connections = new Connections(rules);
    send({ type: 'ready', canInterrupt: listenForInterrupts() });
    return;
  }
  if (rules === undefined || connections === undefined) return;
  const started = { rules, connections };
  switch (message.type) {
    case 'group':
      runGroup(message, started);
      break;
    case 'file':
      runFile(message, started);
      break;
    case 'close':
      connections.close(message.path);
      send({ type: 'closed', id: message.id });
      break;
    default:
      message satisfies never;
  }
}

// A server that is killed cannot tell its executors to end, and one of them may be inside an endless SELECT.
libc.func('int prctl(int option, unsigned long value)')(PR_SET_PDEATHSIG, SIGKILL);
process.on('message', receive);
process.on('disconnect', () => {
  connections?.closeAll();
  process.exit(0);
});
// The server may have gone while this module was being loaded: then nobody hears the event.
if (!process.connected) process.exit(0);
setInterval(() => {
  const paths = connections?.closeIdle(Date.now()) ?? [];
  if (paths.length > 0) send({ type: 'idle-closed', paths });
}, idleCheckMs);
