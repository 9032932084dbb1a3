// Commits, moments, databases and tables of the past as members of an answer.
import type { TableDiff } from '../../messages/operations/time-machine.ts';
import type { ArchivedDatabase, HistoryEntry, Moment, Writer } from '../../messages/time-machine.ts';
import { executorName } from '../locks.ts';

export function momentMembers({ bookmark, number, timeMs, databasePages, pageBytes }: Moment): Record<string, unknown> {
  const time = new Date(timeMs).toISOString();
  return { bookmark, number, time, database_pages: databasePages, page_size: pageBytes };
}

export function commitMembers(entry: HistoryEntry): Record<string, unknown> {
  const { kind, writer, pages, tables, reason, rewoundTo } = entry;
  return {
    ...momentMembers(entry),
    kind,
    writer: writer === null ? null : writerMembers(writer),
    pages,
    ...(tables === undefined ? {} : { tables }),
    ...(reason === undefined ? {} : { reason }),
    ...(rewoundTo === undefined ? {} : { rewound_to: rewoundTo }),
  };
}

/** The program's name alone, as its arguments may hold secrets. */
function writerMembers({ pid, command, container }: Writer): Record<string, unknown> {
  const isExecutor = command.includes('server/executor/main.js');
  const [program = ''] = command.split(' ');
  return { pid, command: isExecutor ? executorName : program.slice(program.lastIndexOf('/') + 1), container };
}

export function tableMembers(table: TableDiff): Record<string, unknown> {
  return {
    table: table.table,
    change: table.change,
    rows_added: table.rowsAdded,
    rows_removed: table.rowsRemoved,
    rows_changed: table.rowsChanged,
    columns_added: table.columnsAdded,
    columns_removed: table.columnsRemoved,
    is_complete: table.isComplete,
  };
}

export function archivedMembers(database: ArchivedDatabase): Record<string, unknown> {
  const isoOrNull = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    name: database.name,
    state: database.state,
    ...(database.reason === undefined ? {} : { reason: database.reason }),
    commits: database.commits,
    oldest: isoOrNull(database.oldestMs),
    newest: isoOrNull(database.newestMs),
    bytes: database.bytes,
    lag_bytes: database.lagBytes,
    gaps: database.gaps,
  };
}
