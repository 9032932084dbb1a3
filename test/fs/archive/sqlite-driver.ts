// Stock SQLite in processes of its own, driven command by command: a test decides when each one commits, checkpoints,
// closes or is killed. After each commit it says what the whole database holds, as a hash over all rows of all tables.
import { createInterface } from 'node:readline';
import { start } from '../../helpers/process.ts';

const script = `
import hashlib, json, os, sqlite3, sys
db = None
def content():
    digest = hashlib.md5()
    rows = db.execute("select type, name, sql from sqlite_schema order by name").fetchall()
    digest.update(repr(rows).encode())
    for kind, name, _ in rows:
        if kind == 'table' and not name.startswith('sqlite_'):
            for row in db.execute('select * from "%s" order by rowid' % name): digest.update(repr(row).encode())
    return digest.hexdigest()
for line in sys.stdin:
    command = json.loads(line)
    answer = {}
    try:
        if 'open' in command:
            db = sqlite3.connect(command['open'], timeout=command.get('timeout', 10), isolation_level=None, uri=True)
        for statement in command.get('sql', []):
            last = db.execute(statement).fetchall()
            answer['rows'] = [[x if not isinstance(x, bytes) else len(x) for x in row] for row in last]
        if 'transact' in command:
            db.execute('begin immediate')
            for statement in command['transact']: db.execute(statement)
            db.execute('update moment set n = n + 1')
            answer['n'] = db.execute('select n from moment').fetchone()[0]
            answer['hash'] = content()
            db.execute('commit' if not command.get('rollback') else 'rollback')
        if command.get('judge'):
            answer['integrity'] = db.execute('pragma integrity_check').fetchone()[0]
            if db.execute("select 1 from sqlite_schema where name = 'item'").fetchone(): # else it is still being set up
                answer['n'] = db.execute('select n from moment').fetchone()[0]
                answer['hash'] = content()
        if command.get('close'): db.close()
        if command.get('die'): os.kill(os.getpid(), 9)
    except Exception as error:
        answer['error'] = '%s: %s' % (type(error).__name__, error)
        if db is not None and db.in_transaction: db.execute('rollback')
    print(json.dumps(answer), flush=True)
`;

export interface DriverAnswer {
  readonly n?: number;
  readonly hash?: string;
  readonly integrity?: string;
  readonly rows?: readonly (readonly unknown[])[];
  readonly error?: string;
}

export interface DriverCommand {
  /** A path, or a URI. */
  readonly open?: string;
  readonly sql?: readonly string[];
  /** Statements of one transaction, which also counts table moment up. */
  readonly transact?: readonly string[];
  readonly rollback?: boolean;
  readonly judge?: boolean;
  readonly close?: boolean;
  readonly die?: boolean;
}

export class Driver {
  readonly #started = start('python3', ['-c', script]);
  readonly #answers: ((answer: DriverAnswer) => void)[] = [];

  constructor() {
    const { stdout } = this.#started.process;
    if (stdout === null) throw new Error('no output');
    createInterface(stdout).on('line', (line) => this.#answers.shift()?.(JSON.parse(line)));
    this.#started.exited.then(() => {
      for (const answer of this.#answers.splice(0)) answer({ error: `ended: ${this.#started.stderr()}` });
    });
  }

  get pid(): number {
    return this.#started.pid;
  }

  /** What went wrong is in the answer. */
  try(command: DriverCommand): Promise<DriverAnswer> {
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#started.process.stdin?.write(`${JSON.stringify(command)}\n`);
    });
  }

  /** @throws Error where it went wrong */
  async do(command: DriverCommand): Promise<DriverAnswer> {
    const answer = await this.try(command);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  async kill(): Promise<void> {
    this.#started.process.kill('SIGKILL');
    await this.#started.exited;
  }

  async end(): Promise<void> {
    this.#started.process.stdin?.end();
    await this.#started.exited;
  }
}
