// Differences between two moments of a database over HTTP: every row, and a script that leads from one to the other.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { usePast } from '../helpers/past-server.ts';

const past = usePast();
const { call } = past;

/** Schema and rows of a file, without what the server keeps in it. */
function dump(path: string): unknown {
  const open = new Database(path, { readonly: true });
  try {
    const tables = open
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'hoody:%' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
      )
      .pluck()
      .all() as string[];
    const schema = open
      .prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'hoody:%' ORDER BY 1, 2")
      .all();
    const rows = tables.map((name) =>
      open.prepare(`SELECT * FROM "${name}" ORDER BY 1`).safeIntegers(true).raw().all(),
    );
    return { schema, rows };
  } finally {
    open.close();
  }
}

const before = `
  CREATE TABLE wr(a TEXT, b INTEGER, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
  INSERT INTO wr VALUES ('x', 1, 'same'), ('x', 2, 'old'), ('y', 1, 'gone');
  CREATE TABLE nocase(k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT COLLATE NOCASE);
  INSERT INTO nocase VALUES ('Key', 'Value'), ('other', 'o');
  CREATE TABLE cells(id INTEGER PRIMARY KEY, v);
  INSERT INTO cells VALUES (1, 1), (2, NULL), (3, x'00ff'), (4, 9007199254740993), (5, 'text'), (6, 9e999), (7, 'same'), (8, '5');
  CREATE TABLE bag(x, y); INSERT INTO bag VALUES (1, 1), (2, 2);
  CREATE TABLE dropped(z); INSERT INTO dropped VALUES ('z');
  CREATE TABLE altered(id INTEGER PRIMARY KEY, v); INSERT INTO altered VALUES (1, 'v');
  CREATE VIEW seen AS SELECT 1; CREATE INDEX cells_v ON cells(v);`;
const after = `
  UPDATE wr SET v = 'new' WHERE b = 2; DELETE FROM wr WHERE a = 'y'; INSERT INTO wr VALUES ('z', 9, 'came');
  UPDATE nocase SET v = 'VALUE' WHERE k = 'key';
  UPDATE cells SET v = 1.0 WHERE id = 1; UPDATE cells SET v = 0 WHERE id = 2; UPDATE cells SET v = x'00fe' WHERE id = 3;
  UPDATE cells SET v = 9007199254740992 WHERE id = 4; UPDATE cells SET v = NULL WHERE id = 5;
  UPDATE cells SET v = 'it''s' || char(0) || 'cut' WHERE id = 6; UPDATE cells SET v = 5 WHERE id = 8;
  DELETE FROM bag WHERE x = 1; INSERT INTO bag VALUES (3, 3);
  DROP TABLE dropped; CREATE TABLE made(m TEXT); INSERT INTO made VALUES ('new');
  ALTER TABLE altered ADD COLUMN w; UPDATE altered SET v = 'w';
  DROP VIEW seen; DROP INDEX cells_v; CREATE INDEX made_m ON made(m);`;

test('a difference names every row that is not the same, by key, with both values', async () => {
  const native = new Database(join(past.root, `${past.db}.db`));
  native.exec(before);
  const { bookmark } = past.archive.record();
  native.exec(after);
  native.close();
  past.archive.record();
  const answer = await call('GET', `/db/diff?db=${past.db}&from=${bookmark}`);
  expect(answer.status, answer.text).toBe(200);
  const found = Object.fromEntries(answer.json.tables.map((table: { table: string }) => [table.table, table]));
  expect(Object.keys(found).sort()).toEqual(['altered', 'bag', 'cells', 'dropped', 'made', 'nocase', 'wr']);
  expect(answer.json.is_complete).toBe(true);
  expect(found.wr).toMatchObject({ change: 'changed', rows_added: 1, rows_removed: 1, rows_changed: 1 });
  expect(found.wr.rows).toEqual([
    { op: 'removed', key: { a: 'y', b: 1 }, from: { a: 'y', b: 1, v: 'gone' }, to: null },
    { op: 'changed', key: { a: 'x', b: 2 }, from: { a: 'x', b: 2, v: 'old' }, to: { a: 'x', b: 2, v: 'new' } },
    { op: 'added', key: { a: 'z', b: 9 }, from: null, to: { a: 'z', b: 9, v: 'came' } },
  ]);
  expect(found.nocase).toMatchObject({ rows_added: 0, rows_removed: 0, rows_changed: 1 });
  expect(found.cells.rows.map((row: { key: { id: number } }) => row.key.id)).toEqual([1, 2, 3, 4, 5, 6, 8]);
  expect(found.cells.rows[2]).toMatchObject({ from: { v: { base64: 'AP8=' } }, to: { v: { base64: 'AP4=' } } });
  expect(answer.text).toContain('"v":9007199254740993');
  expect(found.bag).toMatchObject({ rows_added: 1, rows_removed: 1, rows_changed: 0 });
  expect(found.dropped).toMatchObject({ change: 'dropped', rows_removed: 1 });
  expect(found.made).toMatchObject({ change: 'created', rows_added: 1 });
  expect(found.altered).toMatchObject({ columns_added: ['w'], columns_removed: [], rows_changed: 1 });
  const objects = answer.json.objects.map(({ name, change }: { name: string; change: string }) => `${name} ${change}`);
  expect(objects.sort()).toEqual([
    'altered changed',
    'cells_v dropped',
    'dropped dropped',
    'made created',
    'made_m created',
    'seen dropped',
  ]);
  const one = await call('GET', `/db/diff?db=${past.db}&from=${bookmark}&table=cells&rows=2`);
  expect(one.json.tables).toMatchObject([{ table: 'cells', rows_changed: 7, rows_truncated: true }]);
  expect(one.json.tables[0].rows).toHaveLength(2);
  expect((await call('GET', `/db/diff?db=${past.db}&from=${bookmark}&table=none`)).status).toBe(400);
});

test('the script of a difference makes the first state the other one', async () => {
  const native = new Database(join(past.root, `${past.db}.db`));
  native.exec(before.replace(/CREATE TABLE altered.*/, ''));
  const { bookmark } = past.archive.record();
  native.exec(after.replace(/ALTER TABLE altered.*/, ''));
  const there = past.archive.record().bookmark;
  native.exec('DELETE FROM wr');
  native.close();
  const script = await call('GET', `/db/diff?db=${past.db}&from=${bookmark}&to=${there}&format=sql&rows=1000`);
  expect(script.headers['content-type']).toMatch(/^text\/plain/);
  for (const [name, at] of [
    ['first', bookmark],
    ['other', there],
  ]) {
    expect((await call('POST', `/db/fork?db=${past.db}&to=${name}${past.number}&at=${at}`)).status).toBe(201);
  }
  const first = new Database(join(past.root, `first${past.number}.db`));
  first.exec(script.text);
  first.close();
  expect(dump(join(past.root, `first${past.number}.db`))).toEqual(dump(join(past.root, `other${past.number}.db`)));
});
