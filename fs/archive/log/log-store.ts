// The logs of all databases: a folder for each incarnation, named by its number in hexadecimal. It finds the folder of
// a database by the inode and the device of its main file.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CommitLog, type DatabaseId, hasOnlyBegun, type LogStore } from '../commit.ts';
import { type CommitLogLimits, SegmentedLog } from './commit-log.ts';
import { syncFolder } from './disk.ts';
import { type Identity, readIdentity, writeIdentity } from './identity.ts';
import { unfinishedBase } from './log-files.ts';
import { diskOf, fits } from './room.ts';
import { LogDamage } from './segment.ts';

export interface Incarnation {
  readonly folder: string;
  readonly identity: Identity;
}

/** Of those whose identity can be read; ascending by their numbers. */
export function listIncarnations(archiveDir: string): Incarnation[] {
  return incarnationFolders(archiveDir).flatMap((folder) => {
    try {
      return [{ folder, identity: readIdentity(folder) }];
    } catch {
      return [];
    }
  });
}

export function incarnationFolders(archiveDir: string): string[] {
  const names = readdirSync(archiveDir).filter((name) => /^[0-9a-f]{8}$/.test(name));
  return names.sort().map((name) => join(archiveDir, name));
}

export class FolderLogStore implements LogStore {
  readonly #archiveDir: string;
  readonly #limits: CommitLogLimits;
  readonly #open = new Map<string, SegmentedLog>();
  /** By folder. That of an open log is the log's. */
  readonly #closed = new Map<string, Identity>();
  #newest: number;

  constructor(archiveDir: string, limits: CommitLogLimits = {}) {
    mkdirSync(archiveDir, { recursive: true });
    this.#archiveDir = archiveDir;
    this.#limits = limits;
    for (const { folder, identity } of listIncarnations(archiveDir)) this.#closed.set(folder, identity);
    const [newest] = incarnationFolders(archiveDir).slice(-1);
    this.#newest = newest === undefined ? 0 : Number.parseInt(newest.slice(-8), 16);
  }

  /** Logs that are open, by their folders. */
  get openLogs(): ReadonlyMap<string, SegmentedLog> {
    return this.#open;
  }

  open(id: DatabaseId): { readonly log: CommitLog; readonly isNew: boolean } {
    const found = this.#find(id);
    if (found === undefined) return { log: this.#create(id), isNew: true };
    const open = this.#open.get(found.folder);
    if (open !== undefined) {
      open.reopen();
      return { log: open, isNew: false };
    }
    try {
      const log = SegmentedLog.open(found.folder, this.#onThisDevice(found, id), this.#limits);
      if (found.identity.name !== id.name) log.renameAtNextCommit(id.name);
      this.#keepOpen(log);
      return { log, isNew: false };
    } catch (error) {
      if (!(error instanceof LogDamage)) throw error;
      return { log: this.#create(id, `the log before was damaged: ${error.message}`), isNew: true };
    }
  }

  has(id: DatabaseId): boolean {
    return this.#find(id) !== undefined;
  }

  /** A restart may give a disk another device number: then the inode and the name tell. */
  #find({ inode, device, name }: DatabaseId): Incarnation | undefined {
    const same = this.incarnations.filter(({ identity }) => identity.inode === inode);
    const onDevice = same.filter(({ identity }) => identity.device === device);
    return (onDevice.length > 0 ? onDevice : same.filter(({ identity }) => identity.name === name)).at(-1);
  }

  #onThisDevice({ folder, identity }: Incarnation, { device }: DatabaseId): Identity {
    if (identity.device === device) return identity;
    const moved = { ...identity, device };
    writeIdentity(folder, moved);
    return moved;
  }

  /** Ascending by their numbers. */
  get incarnations(): readonly Incarnation[] {
    const open = [...this.#open].map(([folder, { identity }]) => ({ folder, identity }));
    const closed = [...this.#closed].map(([folder, identity]) => ({ folder, identity }));
    return [...open, ...closed].sort((a, b) => a.identity.incarnation - b.identity.incarnation);
  }

  #keepOpen(log: SegmentedLog): void {
    this.#closed.delete(log.folder);
    this.#open.set(log.folder, log);
  }

  newIncarnation(id: DatabaseId, reason: string): CommitLog {
    const before = this.#find(id);
    const log = before === undefined ? undefined : this.#open.get(before.folder);
    const isEmpty = log !== undefined && hasOnlyBegun(log);
    if (before !== undefined) this.#close(before.folder);
    if (before !== undefined && isEmpty) this.#drop(before.folder);
    return this.#create(id, reason);
  }

  /** A history of one commit without a state tells nothing that the next one does not tell. */
  #drop(folder: string): void {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      return; // a file is being made in it: it stays until it is too old
    }
    this.removed(folder);
  }

  #create(id: DatabaseId, reason?: string): SegmentedLog {
    this.#newest++;
    const folder = join(this.#archiveDir, this.#newest.toString(16).padStart(8, '0'));
    const now = Date.now();
    const identity: Identity = {
      incarnation: this.#newest,
      inode: id.inode,
      device: id.device,
      name: id.name,
      createdMs: now,
      namedMs: now,
      ...(reason === undefined ? {} : { reason }),
    };
    const log = SegmentedLog.create(folder, identity, this.#limits);
    syncFolder(this.#archiveDir);
    this.#keepOpen(log);
    return log;
  }

  rename(id: DatabaseId, name: string): void {
    for (const { folder, identity } of this.incarnations) {
      if (identity.inode !== id.inode || identity.device !== id.device) continue;
      const open = this.#open.get(folder);
      if (open !== undefined) open.rename(name);
      else if (identity.name !== name) this.#renameClosed(folder, { ...identity, name, namedMs: Date.now() });
    }
  }

  #renameClosed(folder: string, identity: Identity): void {
    writeIdentity(folder, identity);
    this.#closed.set(folder, identity);
  }

  unfinishedBasePath(id: DatabaseId): string {
    const found = this.#find(id);
    if (found === undefined) throw new Error(`${id.name} has no log`);
    return join(found.folder, unfinishedBase);
  }

  fits(bytes: number): boolean {
    return fits(diskOf(this.#archiveDir), bytes);
  }

  /** Its log is not written any more, but kept until it is too old. */
  forget(id: DatabaseId): void {
    const found = this.#find(id);
    if (found !== undefined) this.#close(found.folder);
  }

  #close(folder: string): void {
    const log = this.#open.get(folder);
    if (log === undefined) return;
    log.close();
    this.#open.delete(folder);
    this.#closed.set(folder, log.identity);
  }

  /** Its folder was removed. */
  removed(folder: string): void {
    this.#close(folder);
    this.#closed.delete(folder);
  }

  close(): void {
    for (const folder of [...this.#open.keys()]) this.#close(folder);
  }
}
