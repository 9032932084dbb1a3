// Where shipped files lie: a folder, or a bucket of an S3 service. An object is whole or absent.

export interface StoredObject {
  /** Relative to the store, parts separated by `/`. */
  readonly name: string;
  readonly bytes: number;
  /** About when it was written: some stores do not tell what `write` was told. The LTX header has the commit's time. */
  readonly timeMs: number;
}

export interface WriteOptions {
  /** The object's time, in ms since 1970. Default: now. */
  readonly timeMs?: number;
  /** Leave an object of that name as it is. */
  readonly onlyIfNew?: boolean;
}

/** All methods throw ShipError. */
export interface ShipStore {
  /**
   * Objects whose names begin with `prefix`, ascending by name (bytes). None, too, where the folder does not exist.
   * @param prefix '' for all; it need not end at a `/`
   */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** @throws ShipError `missing` if there is none, `damaged` if it is shorter than `range` needs */
  read(name: string, range?: { readonly offset: number; readonly bytes: number }): Promise<Buffer>;
  /**
   * Whole or not at all, and durable when it has answered.
   * @param content a file is read while it is written
   * @returns `onlyIfNew`: false where an object of that name is there already
   */
  write(name: string, content: Buffer | { readonly path: string }, options?: WriteOptions): Promise<boolean>;
  /** Names that are gone already are no error. */
  remove(names: readonly string[]): Promise<void>;
  /** What the operator should know before this place is used: a line each, with what to do. It may write there. */
  warnings(): Promise<readonly string[]>;
  /** For messages, without credentials: `s3://bucket/prefix`. */
  readonly url: string;
}
