// The past of a database as a person reads it: the list of commits, and what differs between two moments.
import type {
  Difference,
  HistoryAnswer,
  ObjectDifference,
  PlannedRewind,
  QueryAnswer,
  RowDifference,
  ShownCommit,
  ShownMoment,
  ShownWriter,
  TableDifference,
} from '../past/answers.ts';
import { shortened, tableText } from './table-text.ts';

const mostOfCommand = 40;
const mostOfTables = 60;
const mostOfCell = 60;
const mostOfRow = 200;

/** Times of the table are local ones. */
export function historyText({ commits, next_before: nextBefore, oldest }: HistoryAnswer): string {
  if (commits.length === 0) return 'no commit is kept of that time\n';
  const heads = ['when', 'who', 'container', 'pages', 'bookmark', 'what'];
  const rows = commits.map((commit) => [
    localTime(commit.time),
    commit.writer === null ? 'unknown' : `${shortened(commit.writer.command, mostOfCommand)} (${commit.writer.pid})`,
    commit.writer?.container ?? '',
    String(commit.pages),
    commit.bookmark,
    whatText(commit),
  ]);
  const more = nextBefore === null ? '' : `there are more: --before ${nextBefore}\n`;
  return tableText(heads, rows, ['pages']) + more + reachText(commits, oldest);
}

/** Where states of listed commits cannot be had. */
function reachText(commits: readonly ShownCommit[], oldest: ShownMoment | null): string {
  if (oldest === null) return 'no state can be had yet: the copy that all begins with is being made\n';
  const isReached = commits.every(({ bookmark }) => bookmark >= oldest.bookmark);
  return isReached ? '' : `states can be had from ${oldest.bookmark} on\n`;
}

function whatText({ kind, tables = [], reason, rewound_to: rewoundTo }: ShownCommit): string {
  const parts = [
    ...(kind === 'base' ? ['first one kept'] : []),
    ...(kind === 'resync' ? [`after a gap: ${reason ?? 'unknown reason'}`] : []),
    ...(rewoundTo === undefined ? [] : [`rewind to ${rewoundTo}`]),
    ...(tables.length === 0 ? [] : [shortened(ownFirst(tables).join(', '), mostOfTables)]),
  ];
  return parts.join('; ');
}

/** What people named comes before what SQLite and the key-value store keep for themselves. */
function ownFirst(tables: readonly string[]): string[] {
  const isInner = (name: string) => /^(hoody:|sqlite_)/.test(name);
  return [...tables.filter((name) => !isInner(name)), ...tables.filter(isInner)];
}

/** `2026-11-28 14:30:05.123`, in the zone of this process. */
export function localTime(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

export function momentText({ time, bookmark }: ShownMoment): string {
  return `${localTime(time)} (${bookmark})`;
}

export function rewindText(database: string, answer: PlannedRewind): string {
  const open = answer.open_by.map((program) => `open by ${programText(program)}\n`).join('');
  const undone = answer.commits_undone === 1 ? '1 commit' : `${answer.commits_undone} commits`;
  return `${database} goes back to ${momentText(answer.to)}, behind ${undone}\n${changesText(answer)}${open}`;
}

function programText({ command, pid, container }: ShownWriter): string {
  return `${shortened(command, mostOfCommand)} (pid ${pid}, ${container})`;
}

export function differenceText(answer: Difference): string {
  return `from ${momentText(answer.from)}\nto   ${momentText(answer.to)}\n${changesText(answer)}`;
}

function changesText({ tables, objects, is_complete: isComplete }: Difference): string {
  const incomplete = isComplete ? '' : 'not everything could be compared in time\n';
  if (tables.length === 0 && objects.length === 0) return `no table differs\n${incomplete}`;
  const heads = ['table', 'what', 'rows added', 'removed', 'changed'];
  const counts = tables.map((table) => [
    table.table,
    tableChangeText(table),
    ...[table.rows_added, table.rows_removed, table.rows_changed].map((count) => String(count ?? '?')),
  ]);
  return [
    ...(counts.length === 0 ? [] : [tableText(heads, counts, heads.slice(2))]),
    ...objects.map(objectText),
    ...tables.flatMap(rowsText),
    incomplete,
  ].join('');
}

/** Without counts only pages were compared. */
function tableChangeText({
  change = 'changed',
  columns_added: added = [],
  columns_removed: removed = [],
}: TableDifference): string {
  const columns = [...added.map((column) => `+${column}`), ...removed.map((column) => `-${column}`)];
  return columns.length === 0 ? change : `${change}, columns ${columns.join(' ')}`;
}

function objectText({ type, name, change }: ObjectDifference): string {
  return `${type} ${name}: ${change}\n`;
}

function rowsText({ table, rows = [], rows_truncated: isTruncated }: TableDifference): string[] {
  return [
    ...rows.map((row) => `${table}: ${rowText(row)}\n`),
    ...(rows.length > 0 && isTruncated ? [`${table}: there are more rows\n`] : []),
  ];
}

function rowText({ from, to }: RowDifference): string {
  if (from === null) return `+ ${shortened(JSON.stringify(to), mostOfRow)}`;
  if (to === null) return `- ${shortened(JSON.stringify(from), mostOfRow)}`;
  return `~ ${shortened(JSON.stringify(from), mostOfRow)} -> ${shortened(JSON.stringify(to), mostOfRow)}`;
}

export function queryText({ columns, resultSet, truncated }: QueryAnswer): string {
  const rows = (resultSet ?? []).map((row) => columns.map((column) => cellText(row[column])));
  return tableText(columns, rows) + (truncated ? 'there are more rows\n' : '');
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return shortened(typeof value === 'string' ? value : JSON.stringify(value), mostOfCell);
}
