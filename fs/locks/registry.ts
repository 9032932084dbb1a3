// The files that are open or locked, each with the database that it belongs to. A database is remembered for a while
// after its files were closed: how it has been used lately decides how newcomers are treated.
import { Database, type LockFile } from './database.ts';
import { LockTable } from './table.ts';
import type { LockWorld } from './types.ts';

/** Databases that nobody has open are remembered up to this number. */
const MOST_DATABASES = 1024;

export class Registry {
  readonly #world: LockWorld;
  readonly #files = new Map<number, LockFile>();
  readonly #databases = new Map<string, Database>();

  constructor(world: LockWorld) {
    this.#world = world;
  }

  get fileCount(): number {
    return this.#files.size;
  }

  get databases(): Iterable<Database> {
    return this.#databases.values();
  }

  database(key: string): Database | undefined {
    return this.#databases.get(key);
  }

  /** Undefined for a file that is neither open nor locked. */
  get(key: number): LockFile | undefined {
    return this.#files.get(key);
  }

  fileOf(key: number): LockFile {
    const known = this.#files.get(key);
    if (known) return known;
    const { kind, database: name, name: shownName } = this.#world.describeFile(key);
    const databaseKey = kind === 'other' ? `file ${key}` : name;
    let database = this.#databases.get(databaseKey);
    if (!database) {
      database = new Database(databaseKey, shownName);
      this.#databases.set(databaseKey, database);
    }
    const posix = new LockTable(this.#world.storeOf(key, false));
    const flock = new LockTable(this.#world.storeOf(key, true));
    const file: LockFile = { key, kind, database, posix, flock, handles: new Map() };
    this.#files.set(key, file);
    if (kind === 'database') database.main = file;
    else if (kind === 'shm') database.shm = file;
    else database.other = file;
    return file;
  }

  /** The files of a database, or the one file of what is none. */
  filesOf(database: Database): LockFile[] {
    return [database.main, database.shm, database.other].filter((file) => file !== undefined);
  }

  dropIfUnused(file: LockFile): void {
    if (file.handles.size > 0 || !file.posix.isEmpty || !file.flock.isEmpty) return;
    const { database } = file;
    if (database.waiters.some((waiter) => waiter.file === file)) return;
    this.#files.delete(file.key);
    this.#world.forgotten(file.key);
    if (database.main === file) database.main = undefined;
    if (database.shm === file) database.shm = undefined;
    if (database.other === file) database.other = undefined;
    if (!database.isUnused) return;
    // What a database has been used for lately is worth keeping for a while, but not for ever.
    if (file.kind === 'other') this.#databases.delete(database.key);
    else if (this.#databases.size > MOST_DATABASES) this.#forgetUnusedDatabases();
  }

  #forgetUnusedDatabases(): void {
    for (const database of this.#databases.values()) if (database.isUnused) this.#databases.delete(database.key);
  }
}
