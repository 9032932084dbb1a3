// JSON schemas of the studio's answers and bodies, as messages/studio/ has them as types.
import {
  anyJson,
  base64,
  boolean,
  integer,
  list,
  mapOf,
  nullable,
  number,
  object,
  oneOfTexts,
  optional,
  rfc3339,
  type Schema,
  text,
} from '../../http/schema.ts';

export const valueSchema: Schema = {
  description:
    'A cell without loss: null, TEXT as a string, INTEGER and REAL as text, BLOB as base64. `bytes` is the whole length.',
  anyOf: [
    { type: 'null' },
    text,
    object({ int: text }),
    object({ real: text }),
    object({ text, bytes: integer }),
    object({ blob: base64, bytes: integer }),
    object({ badText: base64, bytes: integer }),
  ],
};
export const facetsSchema = object({
  values: list(object({ value: valueSchema, rows: integer })),
  rows: integer,
  distinct: integer,
  nulls: integer,
  least: valueSchema,
  greatest: valueSchema,
  exact: boolean,
});
const keySchema = list(valueSchema);
const relation = object({ columns: list(text), table: text, tableColumns: list(text) });
const column = object({
  name: text,
  type: text,
  notNull: boolean,
  defaultSql: nullable(text),
  primaryKey: integer,
  generated: nullable(oneOfTexts('stored', 'virtual')),
});

export const overviewSchema = object({
  version: text,
  mounted: boolean,
  root: text,
  access: oneOfTexts('full', 'read'),
  databases: list(object({ db: text, path: text, bytes: integer, modified: rfc3339 })),
  more: boolean,
});

export const schemaSchema = object({
  db: text,
  version: text,
  journalMode: text,
  bytes: integer,
  path: text,
  objects: list(
    object({
      name: text,
      type: oneOfTexts('table', 'view', 'virtual'),
      group: oneOfTexts('user', 'kv', 'system'),
      sql: text,
      columns: list(column),
      key: nullable(object({ kind: oneOfTexts('primary', 'rowid'), columns: list(text) })),
      withoutRowid: boolean,
      strict: boolean,
      references: list(relation),
      referencedBy: list(relation),
      indexes: list(object({ name: text, unique: boolean, columns: list(nullable(text)), sql: nullable(text) })),
      triggers: list(object({ name: text, sql: text })),
    }),
  ),
});

export const rowsSchema = object({
  columns: list(text),
  rows: list(object({ key: nullable(keySchema), at: text, values: list(valueSchema) })),
  next: nullable(text),
  previous: nullable(text),
  ms: number,
});

export const countSchema = object({ rows: integer, exact: boolean });
export const cellSchema = object({ value: valueSchema });

/** Members of a selection, in a body. */
export const selectionBody = {
  table: text,
  filters: optional(
    list(
      object({
        column: text,
        operator: oneOfTexts('=', '!=', '<', '<=', '>', '>=', 'contains', 'starts', 'null', 'not null', 'in'),
        value: optional(anyJson),
      }),
    ),
  ),
  where: optional({ ...text, description: 'An SQL expression, joined to the filters by AND.' }),
  sort: optional(list(object({ column: text, descending: optional(boolean) }))),
} as const;

export const rowsBody = object({
  ...selectionBody,
  columns: optional(list(text)),
  limit: optional(integer),
  from: optional({
    ...anyJson,
    description: '{"after": cursor}, {"before": cursor}, {"at": cursor}, {"fraction": 0..1} or "end".',
  }),
  cut: optional({ ...integer, description: 'Bytes of a value that are sent.' }),
});

export const cellBody = object({ table: text, key: keySchema, column: text });
export const valuesByColumn = mapOf(valueSchema);
export { keySchema };
