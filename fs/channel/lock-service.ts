// What the session needs of whoever keeps the locks. Absent when the kernel keeps them (`--locks kernel`).
import type { FileHandle } from '../nodes/handles.ts';
import type { Node } from '../nodes/nodes.ts';
import type { RequestOf, Unique } from '../protocol/requests.ts';

export interface LockService {
  /** Writes the answer (encodeLock) to `out`; returns its size or a negative errno. */
  test(node: Node, asked: RequestOf<'GETLK'>, out: Buffer): number;
  /**
   * 0, a negative errno, or SILENT: then the service calls its session's answer(asked, 0 or a negative errno) once.
   * ANSWERED: it has called `answerFreed`, which sends 0. Without that it always returns the answer.
   */
  set(node: Node, asked: RequestOf<'SETLK' | 'SETLKW'>, answerFreed?: () => void): number;
  /** A file was opened. */
  opened(handle: FileHandle): void;
  /** Somebody closed a descriptor: the owner's POSIX locks on that file end. */
  flushed(node: Node, asked: RequestOf<'FLUSH'>): void;
  /** The last descriptor of a handle is gone: its flock and OFD locks end. */
  released(handle: FileHandle): void;
  /** The client no longer wants to wait. Unknown ids are ignored. */
  interrupt(target: Unique): void;
  /** Milliseconds until runDue has something to do: 0 or more, or -1 for never. */
  nextDueMs(): number;
  /** `isIdle`: the kernel has no request ready. False when nothing was due. */
  runDue(isIdle: boolean): boolean;
  /** Requests that wait for their answer. */
  readonly pending: number;
}
