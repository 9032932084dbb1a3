// Work on database files as files: create, delete, list. Runs in the executor, with the path open in no other.
import { lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import Database from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { file, type ListPage } from '../../messages/operations/file.ts';
import { sidecars } from '../../messages/paths.ts';
import { Connection } from '../connection.ts';
import { checkHeader, findFile, resolveDirectory } from '../files.ts';
import { type AnyFileImplementation, implementOnFile } from '../implementation.ts';
import { openTable, resetIdentities } from '../kv/table/table.ts';
import { createDatabaseFile, makeDatabaseOf } from '../new-database.ts';
import { historyTableSql } from '../query-history.ts';
import { isBusy } from '../sql/sqlite-errors.ts';

const listedExtensions: ReadonlySet<string> = new Set(['.db', '.sqlite', '.sqlite3']);

const create = implementOnFile(file.create, (path, { kvTable }, rules) => {
  const file = findForCreation(path, rules);
  let tables: string[] = [];
  const isNew = createDatabaseFile(file.path, (database) => {
    database.exec(historyTableSql);
    if (kvTable !== null) openTable(new Connection(database, file.path, ''), kvTable);
    tables = tableNames(database);
  });
  if (!isNew) throw exists();
  return { sizeBytes: statSync(file.path).size, tables };
});

const fork = implementOnFile(file.fork, (path, { parts, unfinishedName }, rules) => {
  const file = findForCreation(path, rules);
  const isNew = makeDatabaseOf(parts, file.path, unfinishedName, (database) =>
    resetIdentities(new Connection(database, file.path, '')),
  );
  if (!isNew) throw exists();
  return { sizeBytes: statSync(file.path).size };
});

const removeUnfinished = implementOnFile(file.removeUnfinished, (path, { name }, rules) => {
  const directory = dirname(findFile(path, rules, 'FORBIDDEN').path);
  for (const suffix of [...sidecars, '']) rmSync(join(directory, name + suffix), { force: true });
  return null;
});

const remove = implementOnFile(file.delete, (path, _args, rules) => {
  const file = findFile(path, rules);
  if (file.identity === null) throw new ApiError('DATABASE_NOT_FOUND', 'database not found', { status: 404 });
  checkHeader(file);
  refuseInUse(file.path);
  let filesRemoved = 0;
  for (const suffix of [...sidecars, '']) {
    try {
      if (lstatSync(file.path + suffix, { throwIfNoEntry: false }) === undefined) continue;
      rmSync(file.path + suffix);
      filesRemoved += 1;
    } catch (cause) {
      throw new ApiError('DELETE_INCOMPLETE', 'some files of the database could not be removed; try again', {
        members: { files_removed: filesRemoved },
        cause,
      });
    }
  }
  return { filesRemoved };
});

const release = implementOnFile(file.release, () => null);

const list = implementOnFile(file.list, (path, { page }, rules) => {
  const directory = resolveListed(path, rules);
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && listedExtensions.has(extname(entry.name)))
    .map(({ name }) => name);
  const { looked, nextAfter } = page === null ? { looked: names, nextAfter: null } : pageOfNames(names, page);
  const databases = looked.flatMap((name) => {
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const file = { path: join(directory, name), identity: '', sizeBytes: stat.size };
    return [{ name, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, isValid: hasMagic(file) }];
  });
  // Pages are by name: the times of databases that are written change between two of them.
  if (page === null) databases.sort((one, other) => other.modifiedMs - one.modifiedMs || byName(one.name, other.name));
  return { databases, nextAfter };
});

export const databaseFileOperations: readonly AnyFileImplementation[] = [
  create,
  fork,
  removeUnfinished,
  remove,
  release,
  list,
];

/** Looking at a file costs a hundred times what its name does, so only a page is looked at. */
function pageOfNames(names: readonly string[], page: ListPage): { looked: string[]; nextAfter: string | null } {
  const following = names.filter((name) => name > page.after).sort(byName);
  const looked = following.slice(0, page.limit);
  return { looked, nextAfter: following.length > looked.length ? (looked.at(-1) ?? null) : null };
}

function byName(one: string, other: string): number {
  return one < other ? -1 : 1;
}

type Rules = Parameters<typeof findFile>[1];

function findForCreation(path: string, rules: Rules): { readonly path: string } {
  try {
    const file = findFile(path, rules, 'FORBIDDEN');
    if (file.identity !== null) throw exists();
    return file;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'PATH_IS_DIRECTORY') throw error;
    throw new ApiError('CONFLICT', 'a directory has this name', { cause: error });
  }
}

function exists(): ApiError {
  return new ApiError('DATABASE_EXISTS', 'the database exists');
}

function tableNames(database: Database.Database): string[] {
  const rows = database
    .prepare(`SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name`)
    .all() as { readonly name: string }[];
  return rows.map(({ name }) => name).filter((name) => !name.startsWith('hoody:') && !name.startsWith('sqlite_'));
}

/** Asks SQLite for the database alone: somebody who uses it now keeps that from happening. */
function refuseInUse(path: string): void {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { fileMustExist: true, timeout: 500 });
    database.pragma('locking_mode=EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE; ROLLBACK');
  } catch (error) {
    if (isBusy(error)) throw new ApiError('DATABASE_BUSY', 'another program has the database open', { cause: error });
    // A damaged database can be deleted too.
  } finally {
    database?.close();
  }
}

function resolveListed(path: string, rules: Rules): string {
  try {
    const directory = resolveDirectory(path, rules, 'FORBIDDEN');
    if (statSync(directory).isDirectory()) return directory;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'DATABASE_NOT_FOUND') throw error;
  }
  throw new ApiError('INVALID_PARAMETERS', 'dir is not a directory');
}

function hasMagic(file: { readonly path: string; readonly identity: string; readonly sizeBytes: number }): boolean {
  try {
    checkHeader(file);
    return true;
  } catch {
    return false;
  }
}
