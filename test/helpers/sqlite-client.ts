// A python program with SQLite connections of its own, told step by step what to do (test/locks/clients/client.py). It
// runs in a mount namespace of its own, as a program in a container does.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const script = resolve(import.meta.dirname, '../locks/clients/client.py');

export interface Reply {
  readonly rows: readonly (readonly unknown[])[] | null;
  /** SQLite's name of the error, as SQLITE_BUSY. */
  readonly error: string | null;
  readonly tookMs: number;
}

interface Open {
  /** Busy timeout in seconds; 0 unless given. */
  readonly timeout?: number;
  readonly uri?: boolean;
  readonly thread?: string;
}

export class SqliteClient {
  readonly process: ChildProcess;
  readonly #answers = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  constructor() {
    this.process = spawn('unshare', ['-m', 'python3', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.process;
    if (!stdout) throw new Error('the client has no stdout');
    createInterface({ input: stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as Reply & { id: number };
      this.#answers.get(reply.id)?.(reply);
      this.#answers.delete(reply.id);
    });
    this.process.once('exit', () => {
      for (const answer of this.#answers.values()) answer({ rows: null, error: 'client ended', tookMs: 0 });
    });
  }

  /** `unshare` becomes python by exec. */
  get pid(): number {
    return this.process.pid ?? Number.NaN;
  }

  open(path: string, { thread = 'main', ...options }: Open = {}): Promise<Reply> {
    return this.#ask({ thread, open: path, ...options });
  }

  /** Runs the statements one after the other; the reply is the last one's. */
  run(sql: string | readonly string[], thread = 'main'): Promise<Reply> {
    return this.#ask({ thread, sql: typeof sql === 'string' ? [sql] : sql });
  }

  /** A forked child opens the database anew and runs one statement: its exit code is the only row. */
  fork(path: string, sql: string): Promise<Reply> {
    return this.#ask({ open: path, fork: sql });
  }

  /** SIGUSR1 is caught; `restart` is SA_RESTART, `break` lets system calls fail with EINTR. */
  catchSignals(how: 'restart' | 'break'): Promise<Reply> {
    return this.#ask({ signals: how });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal);
  }

  #ask(request: object): Promise<Reply> {
    const id = this.#nextId++;
    return new Promise((done) => {
      this.#answers.set(id, done);
      this.process.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}

/** Runs `test` with as many clients as it asks for; all of them are killed in the end. */
export async function withClients<T>(test: (start: () => SqliteClient) => Promise<T>): Promise<T> {
  const clients: SqliteClient[] = [];
  try {
    return await test(() => {
      const client = new SqliteClient();
      clients.push(client);
      return client;
    });
  } finally {
    for (const client of clients) client.kill();
  }
}
