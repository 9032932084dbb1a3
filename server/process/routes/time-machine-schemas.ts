// What the routes of the time machine answer.
import {
  anyJson,
  boolean,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOfTexts,
  optional,
  rfc3339,
  type Schema,
  succeeded,
  text,
} from '../http/schema.ts';

const bookmark: Schema = { ...text, description: 'Names a commit; bookmarks of a database sort by time.' };
const moment = {
  bookmark,
  number: { ...integer, description: 'Counts the commits of this history.' },
  time: rfc3339,
  database_pages: integer,
  page_size: { ...integer, description: 'Bytes.' },
};
const program = {
  pid: integer,
  command: { ...text, description: "The program's name." },
  container: { ...text, description: '`host` outside of any.' },
};
const change = oneOfTexts('created', 'dropped', 'changed');
const counts = {
  table: text,
  change,
  rows_added: integer,
  rows_removed: integer,
  rows_changed: integer,
  columns_added: list(text),
  columns_removed: list(text),
  is_complete: { ...boolean, description: 'false: the time was up before every row was looked at.' },
};
const definition = { type: text, name: text, change };
const row = mapOf(anyJson);

export const historySchema = object({
  success: succeeded,
  db: text,
  count: integer,
  has_more: boolean,
  next_before: nullable(bookmark),
  oldest: nullable({ ...object(moment), description: 'The oldest state that can be had.' }),
  commits: list(
    object({
      ...moment,
      kind: {
        ...oneOfTexts('commit', 'base', 'resync'),
        description: 'base: the history begins. resync: all that changed while nobody saw it, as one.',
      },
      writer: nullable({ ...object(program), description: 'null: not known.' }),
      pages: { ...integer, description: 'Written.' },
      tables: optional(list(text)),
      reason: optional({ ...text, description: 'Of a resync.' }),
      rewound_to: optional({ ...bookmark, description: 'It is a rewind to this state.' }),
    }),
  ),
});

export const archiveSchema = object({
  success: succeeded,
  databases: list(
    object({
      name: text,
      state: oneOfTexts('current', 'behind', 'copying', 'off'),
      reason: optional(text),
      commits: integer,
      oldest: nullable(rfc3339),
      newest: nullable(rfc3339),
      bytes: { ...integer, description: 'What its past takes on the disk.' },
      lag_bytes: { ...integer, description: 'Written and not archived yet.' },
      gaps: integer,
    }),
  ),
  bytes: integer,
  budget_bytes: integer,
});

export const rewindSchema = object({
  success: succeeded,
  dry_run: { ...boolean, const: false },
  db: text,
  changed: { ...boolean, description: 'false: the newest state was the wanted one.' },
  bookmark: nullable({ ...bookmark, description: "Of the rewind's own commit; null: the archive lags behind." }),
  previous_bookmark: { ...bookmark, description: 'Of the state before: rewind to it to undo this.' },
  to: object(moment),
  pages: { ...integer, description: 'Written.' },
  held_ms: { ...integer, description: 'How long others could not write.' },
  duration_ms: integer,
  cursors_reset: { ...boolean, description: 'Change cursors of before answer 410, and no ETag of before matches.' },
});

export const rewindPreviewSchema = object({
  success: succeeded,
  dry_run: succeeded,
  db: text,
  from: object(moment),
  to: object(moment),
  pages: { ...integer, description: 'That differ.' },
  commits_undone: integer,
  is_complete: boolean,
  tables: list({ anyOf: [object(counts), { ...object({ table: text }), description: 'With rows=false.' }] }),
  objects: { ...list(object(definition)), description: 'Definitions that change.' },
  open_by: { ...list(object(program)), description: 'Programs that have it open, as far as the mount knows.' },
});

export const forkedSchema = object({
  success: succeeded,
  db: text,
  path: { ...text, description: 'Of the new database, as sent.' },
  moment: object(moment),
  size: { ...integer, description: 'Bytes.' },
});

export const diffSchema = object({
  success: succeeded,
  db: text,
  from: object(moment),
  to: object(moment),
  is_complete: boolean,
  tables: list(
    object({
      ...counts,
      rows: list(
        object({
          op: oneOfTexts('added', 'removed', 'changed'),
          key: { ...row, description: 'Primary key, else rowid, else all columns. A BLOB is {"base64": ...}.' },
          from: nullable(row),
          to: nullable(row),
        }),
      ),
      rows_truncated: boolean,
    }),
  ),
  objects: list(object({ ...definition, from_sql: nullable(text), to_sql: nullable(text) })),
});
