// Stock SQLite clients, each in a mount namespace of its own, that insert numbered rows and print the number of each
// that was acknowledged.
import { resolve } from 'node:path';
import { type Finished, run } from './process.ts';

const betterSqlite = resolve(import.meta.dirname, '../../node_modules/better-sqlite3');

/** Rows are (writer, number). A statement that fails is not acknowledged, and its number is not printed. */
export const writers: Record<
  string,
  (file: string, writer: string, rows: number, journalMode: string) => readonly string[]
> = {
  python3: (file, writer, rows, journalMode) => [
    'python3',
    '-c',
    `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute('pragma journal_mode=' + sys.argv[4])
for number in range(int(sys.argv[3])):
    try: db.execute('insert into row values (?, ?)', (sys.argv[2], number))
    except sqlite3.OperationalError as error: print('refused', error)
    else: print('ok', number)
`,
    file,
    writer,
    `${rows}`,
    journalMode,
  ],
  'sqlite3 shell': (file, writer, rows, journalMode) => [
    'bash',
    '-c',
    `for ((number = 0; number < $3; number++)); do
      sqlite3 -cmd '.timeout 30000' "$1" "pragma journal_mode=$4; insert into row values ('$2', $number)" && echo ok $number || echo refused
    done`,
    'bash',
    file,
    writer,
    `${rows}`,
    journalMode,
  ],
  'better-sqlite3': (file, writer, rows, journalMode) => [
    process.execPath,
    '-e',
    `
const [file, writer, rows, journalMode] = process.argv.slice(1);
const db = new (require(${JSON.stringify(betterSqlite)}))(file, { timeout: 30000 });
db.pragma('journal_mode=' + journalMode);
const insert = db.prepare('insert into row values (?, ?)');
for (let number = 0; number < Number(rows); number++) {
  try { insert.run(writer, number); console.log('ok', number); } catch (error) { console.log('refused', error.message); }
}
`,
    file,
    writer,
    `${rows}`,
    journalMode,
  ],
};

/** Runs a command in a mount namespace of its own, which still sees later mounts of the host, as a container does. */
export function inMountNamespace(command: readonly string[], timeoutMs = 100_000): Promise<Finished> {
  return run('unshare', ['--mount', '--propagation', 'slave', ...command], { timeoutMs });
}

/** The numbers that a writer's output says were acknowledged. */
export function acknowledged(stdout: string): number[] {
  return [...stdout.matchAll(/^ok (\d+)$/gm)].map((match) => Number(match[1]));
}
