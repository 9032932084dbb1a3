// Loads guard.c into the process and its connections, hands the rules over, and says who acts. Its functions are called
// through koffi, where SQL cannot reach them. One process has one guard, as an executor runs one job at a time.
import { accessSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Database } from 'better-sqlite3';
import type Koffi from 'koffi';
import type { ApiError } from '../../messages/errors.ts';
import { type Operation, operations, refusalOf, rules, type Who } from './rules.ts';

/** As in guard.c. */
const whoBits: Readonly<Record<Who, number>> = { server: 1, maintenance: 2, sql: 4, query: 8 };

const fileName = `hoody_guard-${process.arch}.so`;
/** Compiled beside this file; tests run the source. */
const libraryPath = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? `../../../dist/server/executor/guard/${fileName}` : `./${fileName}`,
    import.meta.url,
  ),
);

interface Native {
  readonly rule: (
    operations: bigint,
    names: string | null,
    args: string | null,
    through: string | null,
    inDrop: number,
    allowed: number,
    taints: number,
  ) => number;
  readonly actAs: (who: number) => void;
  readonly denial: () => string | null;
  readonly takeTaint: () => number;
  readonly listen: (fd: number) => number;
  readonly begin: (job: number) => number;
  readonly end: () => number;
  readonly lastConnection: () => number;
  readonly errorOffset: (connection: number) => number;
  readonly rowText: (column: number, bytes: Uint8Array | null, size: number) => number;
  readonly logEnd: (connection: number, end: Uint32Array) => number;
}

/** Where a write-ahead log ends, by its index, and what a connection has written. All are words of 32 bits. */
export interface LogEnd {
  /** One more with each commit. */
  readonly change: number;
  /** 0: the log is empty. */
  readonly frames: number;
  readonly checksum1: number;
  readonly checksum2: number;
  readonly salt1: number;
  readonly salt2: number;
  /** Pages that the connection has written since it was opened; from 2^31 on it begins anew. */
  readonly written: number;
}

export class Guard {
  readonly #native: Native;
  /** By which guard.c knows a connection. */
  readonly #numbers = new WeakMap<Database, number>();
  readonly #words = new Uint32Array(7);

  private constructor(native: Native) {
    this.#native = native;
    for (const rule of rules) {
      const bits = rule.on.reduce((sum, operation) => sum | (1n << BigInt(operations[operation])), 0n);
      const allowed = rule.allowed.reduce((sum, who) => sum | whoBits[who], 0);
      const list = (patterns?: readonly string[]) => patterns?.join('\n') ?? null;
      const index = native.rule(
        bits,
        list(rule.names),
        list(rule.arguments),
        rule.through ?? null,
        rule.inDrop ? 1 : 0,
        allowed,
        rule.taints ? 1 : 0,
      );
      if (index < 0) throw new Error('guard.c has no room for so many rules');
    }
  }

  /** @throws Error when the library is not there or cannot be loaded */
  static load(): Guard {
    accessSync(libraryPath); // dlopen() would say the same in more words
    // The server process imports this file with the operations, and needs no koffi.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(libraryPath);
    return new Guard({
      rule: library.func('int hoody_guard_rule(uint64_t, const char *, const char *, const char *, int, int, int)'),
      actAs: library.func('void hoody_guard_act_as(int)'),
      denial: library.func('const char *hoody_guard_denial()'),
      takeTaint: library.func('int hoody_guard_take_taint()'),
      listen: library.func('int hoody_guard_listen(int)'),
      begin: library.func('int hoody_guard_begin(uint64_t)'),
      end: library.func('int hoody_guard_end()'),
      lastConnection: library.func('uint64_t hoody_guard_last_connection()'),
      errorOffset: library.func('int hoody_guard_error_offset(uint64_t)'),
      logEnd: library.func('int hoody_guard_log_end(uint64_t, _Out_ uint32_t *)'),
      rowText: library.func('int hoody_guard_row_text(int, _Out_ uint8_t *, int)'),
    });
  }

  /** Makes the connection a guarded one. To be called before its first statement. */
  attach(database: Database): void {
    // better-sqlite3 takes the entry point as a second argument, which its types lack.
    (database.loadExtension as (path: string, entryPoint: string) => void)(libraryPath, 'hoody_guard_init');
    this.#numbers.set(database, this.#native.lastConnection());
  }

  /**
   * Where in its text, in bytes, the statement is wrong that has just failed to be prepared; null: SQLite does not say.
   */
  errorOffset(database: Database): number | null {
    const number = this.#numbers.get(database);
    const offset = number === undefined ? -1 : this.#native.errorOffset(number);
    return offset < 0 ? null : offset;
  }

  /**
   * Runs `work` (all of a statement's life: SQLite may prepare it again while it runs) as somebody else than the
   * server.
   */
  as<Result>(who: Who, work: () => Result): Result {
    this.#native.actAs(whoBits[who]);
    try {
      return work();
    } catch (error) {
      throw this.#refusal(error) ?? error;
    } finally {
      this.#native.actAs(whoBits.server);
    }
  }

  /** Whether a user changed a setting or the TEMP schema of a connection since the last call. */
  takeTaint(): boolean {
    return this.#native.takeTaint() !== 0;
  }

  /**
   * Reads the numbers of jobs to interrupt from a pipe or socket, 8 bytes each, in the machine's byte order, until its
   * other end closes. Once for the process.
   */
  listen(fd: number): void {
    const errno = this.#native.listen(fd);
    if (errno !== 0) throw new Error(`the thread that interrupts cannot be started (errno ${errno})`);
  }

  /**
   * From now on the job may be interrupted: its statements throw SQLITE_INTERRUPT, again and again, until endJob().
   * `job` > 0, never used before.
   * @returns whether it was interrupted before it began: then it must not run
   */
  beginJob(job: number): boolean {
    return this.#native.begin(job) !== 0;
  }

  /**
   * From now on nothing is interrupted. To be called before COMMIT or ROLLBACK, and in any case at the end; a second
   * call does no harm.
   * @returns whether the job was interrupted
   */
  endJob(): boolean {
    return this.#native.end() !== 0;
  }

  /**
   * The bytes of the text in a column of the newest row that any statement has produced: better-sqlite3 hands over
   * U+FFFD in place of what is no UTF-8. To be called before the statement goes on.
   */
  rowText(column: number): Buffer {
    const bytes = Buffer.alloc(this.#native.rowText(column, null, 0));
    this.#native.rowText(column, bytes, bytes.length);
    return bytes;
  }

  /**
   * Where the log of a connection ends that has a transaction in WAL mode, or has just ended one; null where that
   * cannot be known.
   */
  logEnd(database: Database): LogEnd | null {
    const words = this.#words;
    const number = this.#numbers.get(database);
    if (number === undefined || this.#native.logEnd(number, words) === 0) return null;
    const [change = 0, frames = 0, checksum1 = 0, checksum2 = 0, salt1 = 0, salt2 = 0, written = 0] = words;
    return { change, frames, checksum1, checksum2, salt1, salt2, written };
  }

  #refusal(cause: unknown): ApiError | null {
    const denial = this.#native.denial();
    if (denial === null) return null;
    const [rule = '', code = '', name = '', argument = ''] = denial.split('\t');
    return refusalOf(rules[Number(rule)], operationOf(Number(code)), name, argument, cause);
  }
}

function operationOf(code: number): Operation {
  const found = (Object.keys(operations) as Operation[]).find((operation) => operations[operation] === code);
  return found ?? 'SELECT';
}

let found: Guard | Error | undefined;

/** The guard of this process, or why there is none: built without a C compiler, or for another processor. */
export function findGuard(): Guard | Error {
  if (found === undefined) {
    try {
      found = Guard.load();
    } catch (error) {
      found = error instanceof Error ? error : new Error(String(error));
    }
  }
  return found;
}

/** Runs `work` as `who` where there is a guard, else just runs it. */
export function actAs<Result>(who: Who, work: () => Result): Result {
  const guard = findGuard();
  return guard instanceof Guard ? guard.as(who, work) : work();
}

/** See Guard.errorOffset(). */
export function errorOffset(database: Database): number | null {
  const guard = findGuard();
  return guard instanceof Guard ? guard.errorOffset(database) : null;
}

/** See Guard.takeTaint(). Without a guard the texts of the statements say it. */
export function takeTaint(): boolean {
  const guard = findGuard();
  return guard instanceof Guard && guard.takeTaint();
}
