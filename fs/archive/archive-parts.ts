// What the archive needs of the process that it runs in, and of the mount.
import type { Log } from '../log.ts';
import type { CaptureStream } from './capture/capture-stream.ts';
import type { DatabaseId, LogStore, WalPosition } from './commit.ts';
import type { Haste } from './haste.ts';
import type { QuietFile } from './quiet-file.ts';
import type { CommitRecord } from './tail/evidence.ts';

/** What the mount has recorded; absent where there is no mount. */
export interface Records {
  isRecording(): boolean;
  /** All since the last call. `isComplete` false: some before them are lost. */
  read(): { readonly records: readonly CommitRecord[]; readonly isComplete: boolean };
  /** `isArchived` false: nobody needs to wait until this database was read. */
  publish(id: DatabaseId, position: WalPosition, isArchived: boolean): void;
  /** This process lives, and reads. */
  beat(): void;
  /** undefined: no writes are captured. */
  readonly capture?: CaptureStream | undefined;
}

export interface ArchiveParts {
  readonly dataDir: string;
  readonly store: LogStore;
  readonly isIncluded: (name: string) => boolean;
  /** Of these, those with a rollback journal that are followed as well. */
  readonly isRollbackIncluded: (name: string) => boolean;
  readonly records: Records | undefined;
  readonly quietFile: QuietFile;
  readonly haste: Haste;
  /** Called while there is no room for commits. */
  readonly makeRoom?: () => void;
  readonly log: Log;
}
