// The directory below the mount point, with its whole tree. While nothing is mounted, a program that looks for a
// database there makes an empty file of its own. If it still has that file open when the mount comes over it, it looks
// for app.db-wal by its path, finds the one of the real database, and deletes it, as SQLite does beside an empty file:
// committed work is lost. So nothing is mounted over a file that is open, in whatever subfolder. From the first mount
// on the directory is sealed (chattr +i): nothing can be made in it while nothing is mounted. Names are bytes, as the
// kernel has them.
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { constants as os } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { readMounts, tryLease } from '../../fs/index.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { isInside } from '../instance/paths.ts';
import { isImmutable, setImmutable } from './immutable.ts';

const { EAGAIN } = os.errno;
const waitMs = 5_000;
const retryMs = 20;
/**
 * An empty file that programs may have open gets this name with its inode number, so that no other program finds it.
 */
const asidePrefix = '.hoody-sqlite-unmounted-';
/**
 * What one meets where others make and remove files: gone, a symbolic link, a socket. Programs cannot open longer paths
 * either.
 */
const notThere = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG'];

interface Tree {
  readonly files: readonly Buffer[];
  /** Without the directory itself. */
  readonly directories: readonly Buffer[];
}

export class BareDirectory {
  readonly #path: string;
  readonly #fd: number;
  /** Sealed before this start: by an earlier one, which leaves only an empty directory so, or by the operator. */
  readonly #wasSealed: boolean;

  /**
   * Takes hold of the directory itself, which stays in reach when something is mounted over it. `path` is canonical.
   */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#wasSealed = isImmutable(this.#fd);
  }

  /**
   * Resolves when no program has a file of the tree open. From then on none can be made, where the file system and
   * this process's rights allow to forbid it; look again after mounting. @throws CommandError when it takes too long
   */
  async whenUnused(): Promise<void> {
    this.#refuseMountsBelow();
    const endsAtMs = performance.now() + waitMs;
    for (;;) {
      this.#seal(true);
      for (const file of this.#findable()) this.#setAside(file);
      const used = this.usedFiles();
      if (used.length === 0 && this.#findable().length === 0) return;
      if (performance.now() >= endsAtMs) {
        throw new CommandError(
          exitCodes.failed,
          `files in the directory below the mount are open: ${used.join(', ') || 'new ones all the time'} in ${this.#path}`,
          { hint: 'end the programs that made them while nothing was mounted' },
        );
      }
      await delay(retryMs);
    }
  }

  /** Paths below the directory of the files that some program has open. */
  usedFiles(): string[] {
    return this.#filesThat(isOpenElsewhere).map(String);
  }

  /** Paths below the directory of the files that hold something: the mount hides them. */
  hiddenFiles(): string[] {
    return this.#filesThat((fd) => !isEmpty(fd)).map(String);
  }

  /**
   * Below a mount an empty directory stays sealed. One that holds something does not: somebody has to move that away.
   */
  close(isMounted: boolean): void {
    for (const file of this.#filesThat((fd) => isEmpty(fd) && !isOpenElsewhere(fd)).filter(isAside)) {
      this.#change(folderOf(file), () => unlinkSync(this.#pathOf(file)));
    }
    const staysSealed = this.#wasSealed || (isMounted && this.hiddenFiles().length === 0);
    if (!staysSealed) this.unseal();
    this.release();
  }

  /** Anybody may make files again. */
  unseal(): void {
    this.#seal(false);
  }

  /** Lets go of the directory and changes nothing. */
  release(): void {
    closeSync(this.#fd);
  }

  #refuseMountsBelow(): void {
    const below = readMounts()
      .map(({ mountPoint }) => mountPoint)
      .filter((mountPoint) => mountPoint !== this.#path && isInside(mountPoint, this.#path));
    if (below.length === 0) return;
    throw new CommandError(exitCodes.failed, `file systems are mounted below the mount point: ${below.join(', ')}`, {
      hint: 'unmount them; the mount would hide them, and programs may use their files',
    });
  }

  /** Empty files that a program would open instead of the database. */
  #findable(): Buffer[] {
    return this.#filesThat(isEmpty).filter((file) => !isAside(file));
  }

  /** Not removed yet: where a program has it open, the next start has to find it too. */
  #setAside(file: Buffer): void {
    const inode = this.#look(file, (fd) => fstatSync(fd).ino);
    const aside = Buffer.concat([folderOf(file), Buffer.from(`${asidePrefix}${inode}`)]);
    this.#change(folderOf(file), () => renameSync(this.#pathOf(file), this.#pathOf(aside)));
  }

  /** Unsealed for the time of one system call only: programs that try again and again would make their next file. */
  #change(folder: Buffer, change: () => void): void {
    this.#look(Buffer.concat([folder, Buffer.from('.')]), (fd) => {
      setImmutable(fd, false);
      try {
        change();
      } catch (error) {
        // EPERM: somebody else has sealed it, and this process may not undo that.
        if (!isNotThere(error) && codeOf(error) !== 'EPERM') throw error;
      } finally {
        setImmutable(fd, true);
      }
    });
  }

  /** Every directory of the tree, as far as the file system and this process's rights allow. */
  #seal(isToBeSealed: boolean): void {
    if (isImmutable(this.#fd) !== isToBeSealed) setImmutable(this.#fd, isToBeSealed);
    for (const directory of this.#tree().directories) {
      this.#look(directory, (fd) => isImmutable(fd) !== isToBeSealed && setImmutable(fd, isToBeSealed));
    }
  }

  #filesThat(question: (fd: number) => boolean): Buffer[] {
    return this.#tree().files.filter((file) => this.#look(file, question) === true);
  }

  #tree(): Tree {
    const files: Buffer[] = [];
    const directories: Buffer[] = [];
    const walk = (folder: Buffer): void => {
      for (const entry of this.#entriesOf(folder)) {
        const path = Buffer.concat([folder, entry.name]);
        if (entry.isFile()) files.push(path);
        if (!entry.isDirectory()) continue;
        directories.push(path);
        walk(Buffer.concat([path, Buffer.from('/')]));
      }
    };
    walk(Buffer.alloc(0));
    return { files, directories };
  }

  #entriesOf(folder: Buffer) {
    try {
      return readdirSync(this.#pathOf(folder), { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      if (isNotThere(error)) return [];
      throw error;
    }
  }

  #look<T>(path: Buffer, question: (fd: number) => T): T | undefined {
    let fd: number;
    try {
      fd = openSync(this.#pathOf(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
    try {
      return question(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Leads to the directory itself, whatever is mounted over it. */
  #pathOf(path: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.#fd}/`), path]);
  }
}

/** For `check`: what a mount on `path` would hide. */
export function hiddenFilesIn(path: string): string[] {
  return withBareDirectory(path, (bare) => bare.hiddenFiles());
}

/** For the end of an installation. A directory that does not exist is no error. */
export function unsealDirectory(path: string): void {
  if (existsSync(path)) withBareDirectory(path, (bare) => bare.unseal());
}

function withBareDirectory<T>(path: string, use: (bare: BareDirectory) => T): T {
  const bare = new BareDirectory(path);
  try {
    return use(bare);
  } finally {
    bare.release();
  }
}

function folderOf(file: Buffer): Buffer {
  return file.subarray(0, file.lastIndexOf('/') + 1);
}

function isAside(file: Buffer): boolean {
  return file.includes(asidePrefix, folderOf(file).length);
}

function isNotThere(error: unknown): boolean {
  return notThere.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function isEmpty(fd: number): boolean {
  return fstatSync(fd).size === 0;
}

/** A file system without leases gives no answer, which is taken for no. */
function isOpenElsewhere(fd: number): boolean {
  return tryLease(fd) === EAGAIN;
}
