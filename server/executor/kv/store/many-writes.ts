// Many writes of one request and one kind: the log rows that their triggers made are completed together, at the end.
// Where somebody else's triggers write too, or the writes are not recorded, each is completed by itself.
import { completeLogSince, lastLogRow } from './log-row.ts';
import { deleteKey, insertValue, type NewValue, putValue, replaceValue, rowForWrite } from './write.ts';
import { writeSql } from './write-sql.ts';
import type { Writer } from './writer.ts';

export class ManyWrites {
  readonly #writer: Writer;
  readonly #op: 'SET' | 'DELETE';
  readonly #isTogether: boolean;
  readonly #etags: string[] = [];
  /** The last row of the log that is none of the rows to be completed. */
  #after = 0;
  /** Writes whose log rows are to be completed. */
  #count = 0;

  constructor(writer: Writer, op: 'SET' | 'DELETE') {
    this.#writer = writer;
    this.#op = op;
    this.#isTogether = writer.isRecorded && writer.table.isPlain;
    if (this.#isTogether) this.#after = lastLogRow(writer);
  }

  put(key: string, next: NewValue): void {
    const writer = this.#writer;
    if (!this.#isTogether) {
      this.#etags.push(putValue(writer, key, rowForWrite(writer, key), next, { op: 'SET' }));
      return;
    }
    if (!replaceValue(writer, key, next)) {
      if (this.#exists(key)) this.#expire(key);
      insertValue(writer, key, next);
    }
    this.#count += 1;
  }

  /** False: the key was not there. */
  delete(key: string): boolean {
    const writer = this.#writer;
    const { connection, table } = writer;
    if (!this.#isTogether) {
      if (rowForWrite(writer, key) === null) return false;
      deleteKey(writer, key);
      return true;
    }
    const remove = connection.statement(writeSql(table).removeLive);
    const isDeleted = remove.run(key, connection.nowSeconds(), connection.nowMs() / 1000).changes === 1;
    if (isDeleted) this.#count += 1;
    else if (this.#exists(key)) this.#expire(key);
    return isDeleted;
  }

  /** To be called once, after the last write. @returns the new ETags, in the order of the writes */
  end(): readonly string[] {
    this.#complete();
    return this.#etags;
  }

  #exists(key: string): boolean {
    const { connection, table } = this.#writer;
    return connection.statement(writeSql(table).exists).get(key) !== undefined;
  }

  /** Removes a row whose time is over. Its log row is nobody's write. */
  #expire(key: string): void {
    this.#complete();
    rowForWrite(this.#writer, key);
    this.#after = lastLogRow(this.#writer);
  }

  #complete(): void {
    if (this.#count === 0) return;
    const { etags, last } = completeLogSince(this.#writer, this.#after, this.#count, this.#op);
    if (this.#op === 'SET') this.#etags.push(...etags);
    this.#after = last;
    this.#count = 0;
  }
}
