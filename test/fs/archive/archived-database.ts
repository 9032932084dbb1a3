// A real SQLite database whose transactions go into a log: pages that differ in its file after each one.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { CommitLog, DatabaseId, WalPosition } from '../../../fs/archive/commit.ts';
import { FolderLogStore } from '../../../fs/archive/log/log-store.ts';
import { ArchiveQuestions } from '../../../fs/archive/past/questions.ts';

export class ArchivedDatabase {
  readonly db: Database.Database;
  readonly file: string;
  readonly store: FolderLogStore;
  readonly questions: ArchiveQuestions;
  readonly id: DatabaseId = { inode: '1', device: '2', name: 'app.db' };
  /** {@link dumpOf} the database after each commit. */
  readonly dumps: string[] = [''];
  readonly times: number[] = [0];
  #pages: Buffer[] = [];
  #timeMs = 1_700_000_000_000;

  constructor(folder: string, options: { pageBytes?: number; autoVacuum?: string; segmentBytes?: number } = {}) {
    this.file = join(folder, 'app.db');
    this.db = new Database(this.file);
    this.db.pragma(`page_size = ${options.pageBytes ?? 4096}`);
    this.db.pragma(`auto_vacuum = ${options.autoVacuum ?? 'none'}`);
    const archiveDir = join(folder, 'archive');
    this.store = new FolderLogStore(archiveDir, { segmentBytes: options.segmentBytes ?? 64 * 1024 });
    this.questions = new ArchiveQuestions({
      incarnations: () => this.store.incarnations,
      liveOf: () => ({ state: 'current', lagBytes: 0 }),
      budgetBytes: () => 0,
      verify: async () => ({ commits: 0, faults: [] }),
      prune: async () => undefined,
    });
  }

  get log(): CommitLog {
    return this.store.open(this.id).log;
  }

  get folder(): string {
    return this.store.incarnations.at(-1)?.folder ?? '';
  }

  /** Where the write-ahead log ends after the commit that comes next. */
  get position(): WalPosition {
    const number = this.dumps.length;
    return { salt1: 1, salt2: 2, frames: 3 * number, checksum1: 4 + number, checksum2: 0xffffffff - number };
  }

  /** One transaction or statement, and its commit in the log. The first one makes the base. */
  commit(work: (db: Database.Database) => void, command = 'python3 app.py', reason?: string): void {
    work(this.db);
    const bytes = readFileSync(this.file);
    const pageBytes = this.db.pragma('page_size', { simple: true }) as number;
    const pages: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += pageBytes) pages.push(bytes.subarray(at, at + pageBytes));
    const numbers = pages.flatMap((page, index) => (this.#pages[index]?.equals(page) ? [] : [index + 1]));
    this.#pages = pages;
    this.#timeMs += 1000;
    const isFirst = this.dumps.length === 1;
    this.log.append({
      kind: isFirst ? 'base' : reason === undefined ? 'commit' : 'resync',
      ...(reason === undefined ? {} : { reason }),
      timeMs: this.#timeMs,
      writer: { pid: 7, command, container: 'web' },
      pageBytes,
      databasePages: pages.length,
      pageNumbers: Uint32Array.from(isFirst ? [] : numbers),
      pages: isFirst ? Buffer.alloc(0) : Buffer.concat(numbers.map((number) => pages[number - 1] ?? Buffer.alloc(0))),
      position: this.position,
    });
    if (isFirst) {
      const path = this.store.unfinishedBasePath(this.id);
      writeFileSync(path, bytes);
      this.log.setBase(path, 1);
    }
    this.dumps.push(dumpOf(this.db));
    this.times.push(this.#timeMs);
  }

  /** What was committed while nobody could follow. */
  missed(work: (db: Database.Database) => void): void {
    this.commit(work, undefined, 'it was not followed');
  }

  async ask<Value>(question: Parameters<ArchiveQuestions['answer']>[0]): Promise<Value> {
    const answer = await this.questions.answer(question);
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
    return answer.value as Value;
  }

  close(): void {
    this.db.close();
    this.store.close();
  }
}

/** Schema and rows of everything, as one checksum. */
export function dumpOf(db: Database.Database): string {
  const hash = createHash('sha1');
  const schema = db.prepare('SELECT name, type, sql FROM sqlite_schema ORDER BY name').raw().all() as string[][];
  hash.update(JSON.stringify(schema));
  for (const [name, type] of schema) {
    if (type !== 'table') continue;
    for (const row of db.prepare(`SELECT * FROM "${name}" ORDER BY 1`).raw().iterate())
      hash.update(JSON.stringify(row));
  }
  return hash.digest('hex');
}

/** Grows, shrinks, drops and vacuums; `random` decides. */
export function someWork(random: (below: number) => number): (db: Database.Database) => void {
  return (db) => {
    const table = ['a', 'b'][random(2)];
    const kind = random(20);
    db.exec(`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, name TEXT, data BLOB)`);
    if (kind < 8) {
      const insert = db.prepare(`INSERT INTO ${table} (name, data) VALUES (?, ?)`);
      db.transaction(() => {
        for (let row = random(60); row >= 0; row--) insert.run(`name ${random(1e6)}`, Buffer.alloc(random(1500), row));
      })();
    } else if (kind < 13) {
      db.prepare(`UPDATE ${table} SET name = ? WHERE id % 7 = ?`).run(`other ${random(1e6)}`, random(7));
    } else if (kind < 16) {
      db.exec(`DELETE FROM ${table} WHERE id % 3 = ${random(3)}`);
    } else if (kind === 16) {
      db.exec('VACUUM');
    } else if (kind === 17) {
      db.exec(`CREATE INDEX IF NOT EXISTS ${table}_name ON ${table} (name)`);
    } else if (kind === 18) {
      db.exec(`DROP TABLE ${table}`);
    } else {
      db.pragma('incremental_vacuum');
    }
  };
}
