// What the key-value routes answer, as JSON schemas.
import { recordedOps } from '../../messages/operations/kv-past.ts';
import {
  anyJson,
  base64,
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
  unixSeconds,
} from '../http/schema.ts';

const etag = { ...nullable(text), description: 'null where the server cannot vouch for the version.' };
const expireAt = {
  ...nullable(integer),
  description: 'The last Unix second in which the key is there; null for never.',
};

/** `value` for JSON content, `value_base64` for everything else. */
function valueMembers<Prefix extends string>(prefix: Prefix) {
  return {
    [`${prefix}value`]: optional({ ...anyJson, description: 'Of JSON content.' }),
    [`${prefix}value_base64`]: optional({ ...base64, description: 'Of everything else.' }),
  };
}

const gaps = {
  has_gaps: { ...boolean, description: 'Writes without recorded history stand in between.' },
  gap_keys: nullable(list(text)),
  candidate_truncated: { ...boolean, description: 'Not every key was looked at.' },
};

const listNow = object({
  success: succeeded,
  items: nullable(
    list(
      object({
        key: text,
        content_type: text,
        size: { ...integer, description: 'Bytes.' },
        created_at: unixSeconds,
        updated_at: unixSeconds,
        expire_at: optional(unixSeconds),
        etag,
      }),
    ),
  ),
  count: integer,
  limit: integer,
  offset: integer,
  has_more: boolean,
  scan_errors: optional({ ...list(text), description: 'Keys that were left out: they are not UTF-8.' }),
  next_after: { ...nullable(text), description: 'The `after` of the next page.' },
  change_cursor: text,
});

const listThen = object({
  success: succeeded,
  timestamp: unixSeconds,
  items: nullable(
    list(
      object({
        key: text,
        content_type: nullable(text),
        op_number: integer,
        size_estimate: integer,
        existed_at_timestamp: boolean,
      }),
    ),
  ),
  count: integer,
  offset: integer,
  ...gaps,
});

const listedFiles = object({
  success: succeeded,
  items: nullable(
    list(object({ key: text, content_type: text, size: integer, created_at: unixSeconds, updated_at: unixSeconds })),
  ),
  count: integer,
  total: { ...integer, description: 'Files that the prefix fits.' },
  limit: integer,
  offset: integer,
  has_more: boolean,
  next_after: nullable(text),
  directory_mode: succeeded,
});

/** The second with `at_timestamp`, the third of a directory. */
export const listSchema: Schema = { anyOf: [listNow, listThen, listedFiles] };

const valueThen = object({
  success: succeeded,
  key: text,
  ...valueMembers(''),
  content_type: text,
  timestamp: unixSeconds,
  op_number: optional(integer),
  op_timestamp: optional(unixSeconds),
});

export const valueSchema: Schema = {
  anyOf: [
    { description: 'The value as it is stored; with `path` the part of it as JSON.' },
    { ...valueThen, description: 'With `at_timestamp`.' },
  ],
};

export const entrySchema = object({
  key: text,
  ...valueMembers(''),
  content_type: text,
  etag,
  created_at: unixSeconds,
  updated_at: unixSeconds,
  expire_at: expireAt,
});

const ofDirectory = { directory_mode: optional({ ...succeeded, description: 'The key is a file of a directory.' }) };

export const setSchema = object({
  success: succeeded,
  key: text,
  size: { ...integer, description: 'Bytes.' },
  path: optional(text),
  etag: optional({ ...etag, description: 'Not of a file.' }),
  ...ofDirectory,
  file_path: optional({ ...text, description: 'Where the file of a directory is.' }),
});

export const deletedSchema = object({ success: succeeded, deleted: succeeded, ...ofDirectory });

export const expirySchema = object({ success: succeeded, key: text, expire_at: expireAt, etag });

/** What every operation on a part of a value answers. */
function atomicSchema(members: Readonly<Record<string, Schema>>): Schema {
  return object({ success: succeeded, key: text, path: optional(text), ...members, etag });
}

export const counterSchema = atomicSchema({ value: integer });
export const pushSchema = atomicSchema({ length: integer });
export const popSchema = atomicSchema({ value: anyJson, length: integer });
export const removeSchema = atomicSchema({ removed: anyJson, length: integer });

export const batchGetSchema = object({
  success: succeeded,
  results: mapOf(nullable(object({ content_type: text, ...valueMembers(''), etag }))),
});
export const batchSetSchema = object({
  success: succeeded,
  count: integer,
  items: list(object({ key: text, etag })),
});
export const batchDeletedSchema = object({ success: succeeded, deleted: integer });

const rawValue = { ...nullable(base64), description: 'null where there was none, or it was not recorded.' };
const operationName = oneOfTexts(...recordedOps);

export const historySchema = object({
  success: succeeded,
  key: text,
  table: text,
  count: integer,
  operations: list(
    object({
      op_number: integer,
      timestamp: unixSeconds,
      client_ip: nullable(text),
      client: {
        ...text,
        description:
          '`http` (see client_ip), an agent with its name (mcp:claude-code@127.0.0.1), or native with program, pid and container: native:python3[4711]@3f2a9c01d2b4.',
      },
      operation: object({
        op: operationName,
        path: text,
        delta: nullable(integer),
        content_type: nullable(text),
        raw_old_value: rawValue,
        raw_new_value: rawValue,
        old_value: { ...anyJson, description: 'JSON, or the text of a value that is none.' },
        new_value: { ...anyJson, description: 'JSON, or the text of a value that is none.' },
        expire_at: expireAt,
        unrecorded_until: optional(unixSeconds),
      }),
    }),
  ),
});

export const snapshotSchema = object({
  success: succeeded,
  op_number: integer,
  ...valueMembers(''),
  content_type: text,
});

export const rollbackSchema = object({ success: succeeded, key: text, rolled_back: integer });

export const tableSnapshotSchema = object({
  success: succeeded,
  timestamp: unixSeconds,
  snapshot_time: rfc3339,
  count: integer,
  total_keys_at_snapshot: integer,
  keys: nullable(list(object({ key: text, ...valueMembers(''), content_type: text, op_number: integer }))),
  ...gaps,
  next_after: nullable(text),
});

export const diffSchema = object({
  success: succeeded,
  from_timestamp: unixSeconds,
  to_timestamp: unixSeconds,
  stats: object({
    created: integer,
    modified: integer,
    deleted: integer,
    unchanged: integer,
    total_changes: integer,
  }),
  changes: nullable(
    list(
      object({
        key: text,
        change_type: oneOfTexts('created', 'modified', 'deleted'),
        ...valueMembers('from_'),
        from_content_type: optional(text),
        ...valueMembers('to_'),
        to_content_type: optional(text),
        old_expire_at: optional(unixSeconds),
        new_expire_at: optional(unixSeconds),
        operations_between: optional(
          list(
            object({
              op_number: integer,
              operation: operationName,
              path: text,
              delta: nullable(integer),
              timestamp: unixSeconds,
            }),
          ),
        ),
      }),
    ),
  ),
  ...gaps,
  next_after: nullable(text),
});

const rolledBack = object({
  success: succeeded,
  to_timestamp: unixSeconds,
  rolled_back: integer,
  deleted: integer,
  restored: integer,
  total_operations_reversed: integer,
  duration_ms: integer,
  untouched_keys: list(text),
});

const rollbackPreview = object({
  success: succeeded,
  dry_run: succeeded,
  to_timestamp: unixSeconds,
  preview: object({
    total_keys: integer,
    keys_to_rollback: integer,
    keys_to_delete: integer,
    keys_to_restore: integer,
    operations_to_reverse: integer,
    untouched_keys: list(text),
    discovery_truncated: boolean,
    changes: nullable(
      list(
        object({
          key: text,
          action: oneOfTexts('rollback', 'delete', 'restore'),
          operations_to_undo: integer,
          ...valueMembers('current_'),
          current_content_type: optional(text),
          ...valueMembers('rollback_'),
          rollback_content_type: optional(text),
          reason: optional(text),
        }),
      ),
    ),
  }),
});

/** The second for a preview. */
export const tableRollbackSchema: Schema = { anyOf: [rolledBack, rollbackPreview] };

const changeEvent = object({
  cursor: text,
  seq: integer,
  table: text,
  key: text,
  key_base64: optional({ ...text, description: 'The bytes of a key that is not UTF-8: a native client wrote it.' }),
  op: oneOfTexts('set', 'ttl', 'delete', 'expire'),
  ts: unixSeconds,
  expire_at: expireAt,
  etag,
  ...valueMembers(''),
  content_type: optional(text),
  value_omitted: optional(oneOfTexts('superseded', 'expired', 'too_large')),
});

export const changesSchema = object({
  events: list(changeEvent),
  cursor: text,
  next_cursor: text,
  oldest_cursor: text,
  has_more: boolean,
});
