// Who writes what, common to all writes of one request.
import type { Connection } from '../../connection.ts';
import type { KvTable } from '../table/table.ts';

export interface Writer {
  readonly connection: Connection;
  readonly table: KvTable;
  /** history=false is false: the log then says UNRECORDED and nothing of the value. */
  readonly isRecorded: boolean;
  readonly clientIp: string;
}
