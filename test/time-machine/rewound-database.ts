// A database that programs write while it is rewound again and again, and what must be true of it each time: it has
// the rows of the old state, and every row that was committed after the rewind.
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import type { Journal, PageFile, StateFile } from '../../server/messages/rewinder.ts';
import { type Rewound, runRewinder } from '../../server/process/time-machine/rewinder.ts';

const betterSqlite = resolve(import.meta.dirname, '../../node_modules/better-sqlite3');
const waitMs = 60_000;

/** Inserts (writer, number) one by one and prints each number once it is committed; ends with its input. */
const python = `
import sqlite3, sys, threading, time
path, writer, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
db = sqlite3.connect(path, timeout=60, isolation_level=None)
db.execute('pragma synchronous=off')
number = first
while not stop.is_set():
    db.execute('begin immediate')
    db.execute('insert into row values (?, ?, randomblob(300))', (writer, number))
    db.execute('update total set rows = rows + 1')
    db.execute('commit')
    print(number, flush=True)
    number += 1
    time.sleep(0.002)
`;

const node = `
const [path, writer, first] = process.argv.slice(1);
const db = new (require(${JSON.stringify(betterSqlite)}))(path, { timeout: 60000 });
db.pragma('synchronous=off');
let number = Number(first), isStopped = false;
process.stdin.on('end', () => { isStopped = true; }).resume();
const insert = db.prepare('insert into row values (?, ?, randomblob(300))');
const count = db.prepare('update total set rows = rows + 1');
const write = db.transaction(() => { insert.run(writer, number); count.run(); });
const step = () => {
  if (isStopped) return process.exit(0);
  write.immediate();
  console.log(number);
  number += 1;
  setTimeout(step, 2);
};
step();
`;

/** As python, in transactions that begin with a read: a write is refused where a rewind has come in between. */
const deferred = `
import sqlite3, sys, threading, time
path, writer, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
db = sqlite3.connect(path, timeout=60, isolation_level=None)
db.execute('pragma synchronous=off')
while not stop.is_set():
    try:
        db.execute('begin')
        rows = db.execute('select rows from total').fetchone()[0]
        time.sleep(0.002)
        db.execute('insert into row values (?, ?, randomblob(300))', (writer, number))
        db.execute('update total set rows = ?', (rows + 1,))
        db.execute('commit')
        print(number, flush=True)
        number += 1
    except sqlite3.OperationalError as error:
        if str(error) != 'database is locked': raise
        db.execute('rollback')
    time.sleep(0.002)
`;

/** Reads the same twice in one transaction, some time apart; prints what differs. */
const reader = `
import sqlite3, sys, threading, time
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
look = lambda: db.execute('select (select count(*) from row), (select rows from total), (select sum(length(data)) from row), (select count(*) from sqlite_master)').fetchone()
seen = 0
while seen == 0 or not stop.is_set():
    db.execute('begin')
    before = look()
    if before[0] != before[1]: print('torn', before, flush=True)
    time.sleep(0.15)
    after = look()
    if after != before: print('moved', before, after, flush=True)
    db.execute('commit')
    seen += 1
print('seen', seen, flush=True)
`;

export interface Program {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** What it said on stderr. */
  errors: string;
  end(): Promise<void>;
}

function run(command: string, args: readonly string[]): Program {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const program: Program = {
    child,
    lines: [],
    errors: '',
    end: async () => {
      child.stdin?.end();
      await exited;
    },
  };
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => program.lines.push(line));
  child.stderr?.on('data', (chunk) => {
    program.errors += chunk;
  });
  return program;
}

export const startWriter = {
  python: (path: string, writer: string, first = 0) => run('python3', ['-c', python, path, writer, `${first}`]),
  deferred: (path: string, writer: string, first = 0) => run('python3', ['-c', deferred, path, writer, `${first}`]),
  'better-sqlite3': (path: string, writer: string, first = 0) =>
    run(process.execPath, ['-e', node, path, writer, `${first}`]),
};

export const startReader = (path: string): Program => run('python3', ['-c', reader, path]);

/** A whole database as it was, byte by byte. */
export type State = Buffer;

export class RewoundDatabase {
  readonly path: string;
  readonly root: string;
  readonly pageBytes: number;
  readonly folder = mkdtempSync(join(tmpdir(), 'hoody-rewinds-'));
  #nextFile = 1;

  constructor(root: string, pageBytes: number, { name = 'app.db', journalMode = 'WAL' } = {}) {
    this.root = root;
    this.pageBytes = pageBytes;
    this.path = join(root, name);
    const database = new Database(this.path);
    database.exec(`PRAGMA page_size=${pageBytes}; PRAGMA journal_mode=${journalMode}; PRAGMA synchronous=OFF;
      CREATE TABLE IF NOT EXISTS row(writer TEXT, number INTEGER, data BLOB, PRIMARY KEY(writer, number));
      CREATE INDEX IF NOT EXISTS by_size ON row(length(data));
      CREATE TABLE IF NOT EXISTS total(rows INTEGER);
      INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total)`);
    database.close();
  }

  run(sql: string): void {
    const database = new Database(this.path, { timeout: waitMs });
    try {
      database.exec(`PRAGMA synchronous=OFF; ${sql}`);
    } finally {
      database.close();
    }
  }

  state(): State {
    const database = new Database(this.path, { timeout: waitMs, readonly: true });
    try {
      return database.serialize();
    } finally {
      database.close();
    }
  }

  /** What a crash would leave: the file and its log, whose frames count as far as their checksums go. */
  recovered(): State {
    const copy = join(this.folder, 'recovered.db');
    for (const suffix of ['', '-wal']) copyFileSync(this.path + suffix, copy + suffix);
    const database = new Database(copy);
    try {
      return database.serialize();
    } finally {
      database.close();
    }
  }

  /** All pages that make `from` the state `to`. */
  pageFile(from: State, to: State): PageFile {
    const { pageBytes } = this;
    const parts: Buffer[] = [];
    const lockPage = 0x4000_0000 / pageBytes + 1;
    for (let page = 1; page <= to.length / pageBytes; page += 1) {
      const place = [(page - 1) * pageBytes, page * pageBytes] as const;
      const content = to.subarray(...place);
      if (page === lockPage || content.equals(from.subarray(...place))) continue;
      const number = Buffer.alloc(4);
      number.writeUInt32LE(page);
      parts.push(number, content);
    }
    const path = join(this.folder, `pages-${this.#nextFile}`);
    this.#nextFile += 1;
    writeFileSync(path, Buffer.concat(parts));
    return { path, pages: parts.length / 2, pageBytes, databasePages: to.length / pageBytes };
  }

  stateFile(to: State): StateFile {
    const path = join(this.folder, `state-${this.#nextFile}`);
    this.#nextFile += 1;
    writeFileSync(path, to);
    return { path, pageBytes: this.pageBytes, databasePages: to.length / this.pageBytes };
  }

  /** `onLocked` sees the newest state while nobody can write. */
  rewind(
    to: State,
    onLocked: (newest: State) => void = () => {},
    onStart?: (child: ChildProcess) => void,
  ): Promise<Rewound | null> {
    const rules = { root: this.root, dataDir: this.root, allowAnyAbsoluteDbPath: false };
    const pages = async (journal: Journal) => {
      // With a rollback journal nobody may ask SQLite now, and the file has the newest state.
      const newest = journal === 'wal' ? this.state() : readFileSync(this.path);
      onLocked(newest);
      return journal === 'wal' ? this.pageFile(newest, to) : this.stateFile(to);
    };
    return runRewinder({ path: this.path, rules, deadlineMs: performance.now() + waitMs, pages }, onStart);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Numbers by writer, ascending. */
export function rowsOf(state: State): ReadonlyMap<string, readonly number[]> {
  const database = openState(state);
  try {
    const rows = database.prepare('SELECT writer, number FROM row ORDER BY writer, number').raw().all() as [
      string,
      number,
    ][];
    const found = new Map<string, number[]>();
    for (const [writer, number] of rows) found.set(writer, [...(found.get(writer) ?? []), number]);
    return found;
  } finally {
    database.close();
  }
}

export function problemsOf(state: State): unknown {
  const database = openState(state);
  try {
    return database.pragma('integrity_check', { simple: true });
  } finally {
    database.close();
  }
}

/** In memory there is no WAL: the copy says that it is no WAL database. */
function openState(state: State): Database.Database {
  const copy = Buffer.from(state);
  copy[18] = 1;
  copy[19] = 1;
  return new Database(copy);
}
