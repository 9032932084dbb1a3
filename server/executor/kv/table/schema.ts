// The SQL that makes a KV table and the triggers that write down every change of it, whoever makes it: the API, SQL, or
// a native client with any SQLite from 3.8 on (so: no UPSERT, RETURNING, STRICT, WITHOUT ROWID, JSON or newer
// functions).
//
// The log is an undo log. A row keeps the state BEFORE its operation; the state after it is the `old` of the key's next
// row, or the row of the table itself. So no value is stored twice, and cutting off the oldest rows breaks nothing.
import { changeCodes, jsonType, octetStreamType, oldTypeCodes, opCodes, opName, textType } from './codes.ts';
import { idempotencyTable, type KvNames, metaTable, quoteName, quoteText } from './names.ts';

/** Times in the log never run backwards for a clock that is set back by no more than this. */
const clockSlackSeconds = 60;
/** What a trigger draws for a row's mark: three bytes of it are stored. */
const drawnMark = 'abs(random() % 8388608)';
const now = "CAST(strftime('%s','now') AS INTEGER)";

export interface TriggerSql {
  readonly name: string;
  readonly sql: string;
}

/** Made once for a database. A row of the first table: `name` '' is the database itself, any other name a KV table. */
export const databaseSql: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS ${quoteName(metaTable)} (
  name TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL, feed_floor INTEGER NOT NULL DEFAULT 0,
  op_floor INTEGER NOT NULL DEFAULT 0, forgotten_at INTEGER NOT NULL DEFAULT 0)`,
  `CREATE TABLE IF NOT EXISTS ${quoteName(idempotencyTable)} (
  id TEXT NOT NULL PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL, expire_at INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS ${quoteName(`${idempotencyTable}_index`)} ON ${quoteName(idempotencyTable)} (expire_at)`,
];

export const kvColumns = ['key', 'value', 'content_type', 'created_at', 'updated_at', 'expire_at'] as const;

export function tableSql(names: KvNames): string {
  return `CREATE TABLE ${quoteName(names.table)} (
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB,
  content_type TEXT NOT NULL DEFAULT 'text/plain',
  created_at INTEGER NOT NULL DEFAULT (${now}),
  updated_at INTEGER NOT NULL DEFAULT (${now}),
  expire_at INTEGER)`;
}

export function captureTablesSql(names: KvNames): string[] {
  const [log, keys, replaced] = [names.log, names.keys, names.replaced].map(quoteName);
  return [
    `CREATE TABLE IF NOT EXISTS ${keys} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, pruned_at INTEGER)`,
    `CREATE TABLE IF NOT EXISTS ${log} (
  seq INTEGER PRIMARY KEY, key_id INTEGER NOT NULL, op_number INTEGER NOT NULL, ts INTEGER NOT NULL,
  op INTEGER NOT NULL, change INTEGER NOT NULL, in_history INTEGER NOT NULL DEFAULT 1,
  old_type, old_value, old_expire_at INTEGER, path TEXT, delta INTEGER, client TEXT, mark INTEGER)`,
    `CREATE UNIQUE INDEX IF NOT EXISTS ${quoteName(names.logIndex)} ON ${log} (key_id, op_number)`,
    `CREATE TABLE IF NOT EXISTS ${replaced} (key TEXT NOT NULL PRIMARY KEY, value, content_type, expire_at)`,
    `CREATE INDEX IF NOT EXISTS ${quoteName(names.expiryIndex)}
  ON ${quoteName(names.table)} (expire_at) WHERE expire_at IS NOT NULL`,
  ];
}

/** For a log that the first release made. */
export function addMarksSql(names: KvNames): string {
  return `ALTER TABLE ${quoteName(names.log)} ADD COLUMN mark INTEGER`;
}

export function historyViewSql(names: KvNames): string {
  const ops = Object.values(opCodes).map((code) => `WHEN ${code} THEN '${opName(code)}'`);
  return `CREATE VIEW ${quoteName(names.history)} AS
SELECT k.key AS key, l.op_number AS op_number, CASE l.op ${ops.join(' ')} END AS op, l.path AS path, l.delta AS delta,
  l.ts AS timestamp, coalesce(l.client, 'native') AS client,
  CASE l.old_type WHEN ${oldTypeCodes.octetStream} THEN '${octetStreamType}' WHEN ${oldTypeCodes.json} THEN '${jsonType}'
    WHEN ${oldTypeCodes.text} THEN '${textType}' WHEN ${oldTypeCodes.unknown} THEN NULL
    WHEN ${oldTypeCodes.same} THEN 'unchanged' ELSE l.old_type END AS old_content_type,
  l.old_value AS old_value, l.old_expire_at AS old_expire_at
FROM ${quoteName(names.log)} l JOIN ${quoteName(names.keys)} k ON k.id = l.key_id WHERE l.in_history`;
}

/** Marks every known key as written by somebody unseen: after a time in which the triggers were missing. */
export function unseenWritesSql(names: KvNames): string {
  const log = quoteName(names.log);
  return `INSERT INTO ${log} (key_id, op_number, ts, op, change, old_type, mark)
SELECT key_id, max(op_number) + 1, ${now}, ${opCodes.UNRECORDED}, ${changeCodes.set}, ${oldTypeCodes.unknown},
  ${drawnMark}
FROM ${log} GROUP BY key_id`;
}

/**
 * `first`: those of the first release. They see every change just as well, so that nothing is lost with their
 * replacement.
 */
export function triggersSql(names: KvNames, release: 'first' | 'current' = 'current'): TriggerSql[] {
  const isFirst = release === 'first';
  const table = quoteName(names.table);
  const replaced = quoteName(names.replaced);
  const columns = kvColumns.map(quoteName).join(', ');
  const trigger = (kind: string, event: string, when: string, steps: string[]): TriggerSql => {
    const name = `hoody:kv_${kind}:${names.table}`;
    const sql = `CREATE TRIGGER ${quoteName(name)} ${event} ON ${table} WHEN ${when} BEGIN ${steps.join('; ')}; END`;
    return { name, sql };
  };
  // The outer statement's OR IGNORE or OR REPLACE also governs the statements of its triggers: none of them may rely on
  // a conflict clause of its own.
  const forget = (key: string) => `DELETE FROM ${replaced} WHERE key = ${key}`;
  const stash = [
    forget('NEW.key'),
    `INSERT INTO ${replaced} (key, value, content_type, expire_at)
    SELECT key, value, content_type, expire_at FROM ${table} WHERE key = NEW.key`,
  ];
  const targetExists = `EXISTS (SELECT 1 FROM ${table} WHERE key = NEW.key)`;

  const inserted = [
    nameKey(names, 'NEW.key'),
    logRow(names, isFirst, {
      key: 'NEW.key',
      op: `${opCodes.SET}`,
      change: `${changeCodes.set}`,
      existed: 'r.key IS NOT NULL',
      old: 'r',
      isSame: 'r.value IS NEW.value AND r.content_type IS NEW.content_type',
    }),
    forget('NEW.key'),
  ];
  const isSame = 'OLD.value IS NEW.value AND OLD.content_type IS NEW.content_type';
  const isTtl = `${isSame} AND OLD.expire_at IS NOT NEW.expire_at`;
  const updated = [
    nameKey(names, 'NEW.key'),
    logRow(names, isFirst, {
      key: 'NEW.key',
      op: `CASE WHEN NOT (${isTtl}) THEN ${opCodes.SET} WHEN NEW.expire_at IS NULL THEN ${opCodes.PERSIST} ELSE ${opCodes.EXPIRE} END`,
      change: `CASE WHEN ${isTtl} THEN ${changeCodes.ttl} ELSE ${changeCodes.set} END`,
      existed: '1',
      old: 'OLD',
      isSame,
    }),
    forget('NEW.key'),
  ];
  const isOver = `OLD.expire_at ${isFirst ? '<=' : '<'} ${now}`;
  const deleted = [
    nameKey(names, 'OLD.key'),
    logRow(names, isFirst, {
      key: 'OLD.key',
      op: `CASE WHEN ${isOver} THEN ${opCodes.EXPIRED} ELSE ${opCodes.DELETE} END`,
      change: `CASE WHEN ${isOver} THEN ${changeCodes.expire} ELSE ${changeCodes.delete} END`,
      existed: '1',
      old: 'OLD',
      isSame: '0',
    }),
    forget('OLD.key'),
  ];

  return [
    trigger('before_insert', 'BEFORE INSERT', targetExists, stash),
    trigger('insert', 'AFTER INSERT', 'NEW.key IS NOT NULL', inserted),
    trigger('update', `AFTER UPDATE OF ${columns}`, 'NEW.key IS OLD.key AND NEW.key IS NOT NULL', updated),
    trigger('before_rename', 'BEFORE UPDATE OF key', `NEW.key IS NOT OLD.key AND ${targetExists}`, stash),
    trigger('rename', 'AFTER UPDATE OF key', 'NEW.key IS NOT OLD.key', [...deleted, ...inserted]),
    trigger('delete', 'AFTER DELETE', 'OLD.key IS NOT NULL', deleted),
  ];
}

function nameKey(names: KvNames, key: string): string {
  const keys = quoteName(names.keys);
  return `INSERT INTO ${keys} (key) SELECT ${key} WHERE ${key} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM ${keys} WHERE key = ${key})`;
}

interface LogRowSql {
  readonly key: string;
  readonly op: string;
  readonly change: string;
  /** Whether the key had a row before. */
  readonly existed: string;
  /** Where that row is read from: OLD, or the alias `r` of the table of replaced rows. */
  readonly old: 'OLD' | 'r';
  /** Whether value and content type stayed as they were. */
  readonly isSame: string;
}

function logRow(names: KvNames, isFirst: boolean, row: LogRowSql): string {
  const log = quoteName(names.log);
  const wasUnrecorded = `l.op IS ${opCodes.UNRECORDED}`;
  return `INSERT INTO ${log} (key_id, op_number, ts, op, change, old_type, old_value, old_expire_at${isFirst ? '' : ', mark'})
    SELECT k.id,
      coalesce(l.op_number, (SELECT op_floor FROM ${quoteName(metaTable)} WHERE name = ${quoteText(names.table)}), 0) + 1,
      max(${now}, coalesce((SELECT ts FROM ${log} WHERE seq = (SELECT max(seq) FROM ${log})
        AND ts <= ${now} + ${clockSlackSeconds}), 0)),
      ${row.op}, ${row.change},
      CASE WHEN ${wasUnrecorded} THEN ${oldTypeCodes.unknown} WHEN NOT (${row.existed}) THEN NULL
        WHEN ${row.isSame} THEN ${oldTypeCodes.same}
        ELSE CASE ${row.old}.content_type WHEN '${octetStreamType}' THEN ${oldTypeCodes.octetStream}
          WHEN '${jsonType}' THEN ${oldTypeCodes.json} WHEN '${textType}' THEN ${oldTypeCodes.text}
          ELSE coalesce(${row.old}.content_type, ${oldTypeCodes.octetStream}) END END,
      CASE WHEN ${wasUnrecorded} OR (${row.isSame}) THEN NULL ELSE ${row.old}.value END,
      ${row.old}.expire_at${isFirst ? '' : `, ${drawnMark}`}
    FROM ${quoteName(names.keys)} k
    LEFT JOIN ${log} l ON l.key_id = k.id AND l.op_number = (SELECT max(op_number) FROM ${log} WHERE key_id = k.id)
    ${row.old === 'r' ? `LEFT JOIN ${quoteName(names.replaced)} r ON r.key = k.key` : ''}
    WHERE k.key = ${row.key}`;
}
