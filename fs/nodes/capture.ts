// What operations on files tell of databases whose writes are captured. Such a file is served without passthrough, so
// that each change of it is a request.
import type { FileOffset } from '../protocol/words.ts';
import type { Node } from './nodes.ts';

export interface Capture {
  /** Whether the file is to be served without passthrough, now that it is opened once more. */
  claims(node: Node): boolean;
  /** Bytes are about to be written. */
  writing(node: Node, offset: FileOffset, data: Uint8Array): void;
  /** It is about to be cut or lengthened. */
  resizing(node: Node, size: FileOffset): void;
  /** It is changed, or was not changed, in a way that the requests before do not tell. */
  spoiled(node: Node, reason: string): void;
  /** The last handle was closed. */
  left(node: Node): void;
}
