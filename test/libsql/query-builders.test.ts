// Query builders and ORMs over libSQL clients, as they are published, against a real mount.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LibsqlDialect as OtherDialect } from '@libsql/kysely-libsql';
import { PrismaLibSql } from '@prisma/adapter-libsql';
import { drizzle } from 'drizzle-orm/libsql';
import { migrate } from 'drizzle-orm/libsql/migrator';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { knex } from 'knex';
import { Kysely, type SqliteDialect, sql } from 'kysely';
import { LibsqlDialect } from 'kysely-libsql';
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);
const require = createRequire(import.meta.url);

const url = (db: string, scheme = 'http') => `${api().daemon.url.replace('http', scheme)}/libsql/${db}/`;

const schemes = ['http', 'ws'] as const;

describe('drizzle-orm/libsql', () => {
  const notes = sqliteTable('notes', { id: integer().primaryKey(), body: text().notNull() });

  test('migrates, once, and queries', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hoody-drizzle-'));
    try {
      mkdirSync(join(folder, 'meta'));
      const sql =
        'CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL);\n--> statement-breakpoint\nSELECT 1;';
      writeFileSync(join(folder, '0000_first.sql'), sql);
      const entries = [{ idx: 0, version: '6', when: 1, tag: '0000_first', breakpoints: true }];
      writeFileSync(join(folder, 'meta/_journal.json'), JSON.stringify({ version: '7', dialect: 'sqlite', entries }));
      const db = drizzle(url('drizzle'));
      await migrate(db, { migrationsFolder: folder });
      await migrate(db, { migrationsFolder: folder });
      expect(await db.insert(notes).values({ body: 'hello' }).returning()).toEqual([{ id: 1, body: 'hello' }]);
      await db.batch([db.insert(notes).values({ body: 'two' }), db.select().from(notes)]);
      expect(await db.select().from(notes)).toHaveLength(2);
      await db.transaction(async (outer) => {
        await outer.insert(notes).values({ body: 'three' });
        const inner = outer.transaction(async (nested) => {
          await nested.insert(notes).values({ body: 'four' });
          nested.rollback();
        });
        await expect(inner).rejects.toThrow(/rollback/i);
      });
      expect(await db.select().from(notes)).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('the adapter of Prisma queries, commits and rolls back', async () => {
  const adapter = await new PrismaLibSql({ url: url('prisma') }).connect();
  const query = (sql: string, ...args: unknown[]) => ({
    sql,
    args,
    argTypes: args.map((one) => ({
      scalarType: typeof one === 'number' ? ('int' as const) : ('string' as const),
      arity: 'scalar' as const,
    })),
  });
  const insert = (name: string) => query('INSERT INTO users (name) VALUES (?)', name);
  await adapter.executeScript('CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE); SELECT 1;');
  expect(await adapter.executeRaw(insert('one'))).toBe(1);
  for (const end of ['commit', 'rollback'] as const) {
    const transaction = await adapter.startTransaction();
    await transaction.executeRaw(insert(end));
    await transaction[end]();
  }
  const { columnNames, columnTypes, rows } = await adapter.queryRaw(
    query('SELECT id, name FROM users ORDER BY id LIMIT ? OFFSET ?', 5, 0),
  );
  expect([columnNames, columnTypes]).toEqual([
    ['id', 'name'],
    [0, 7],
  ]);
  expect(rows).toEqual([
    [1, 'one'],
    [2, 'commit'],
  ]);
  await expect(adapter.executeRaw(insert('one'))).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/UNIQUE constraint failed: users.name/) },
  });
  await adapter.dispose();
});

interface Counters {
  readonly c: { readonly n: number };
}

const dialects: readonly (readonly [string, (db: string) => unknown])[] = [
  ['kysely-libsql by http', (db) => new LibsqlDialect({ url: url(db) })],
  ['kysely-libsql by ws', (db) => new LibsqlDialect({ url: url(db, 'ws') })],
  ['@libsql/kysely-libsql by http', (db) => new OtherDialect({ url: url(db) })],
  ['@libsql/kysely-libsql by ws', (db) => new OtherDialect({ url: url(db, 'ws') })],
];

test.each(dialects)('%s queries, commits and rolls back', async (name, dialectOf) => {
  const db = name.replaceAll(/[^a-z]/g, '');
  const kysely = new Kysely<Counters>({ dialect: dialectOf(db) as SqliteDialect });
  try {
    await kysely.schema.createTable('c').addColumn('n', 'integer').execute();
    await kysely.insertInto('c').values({ n: 0 }).execute();
    const add = (fails: boolean) =>
      kysely.transaction().execute(async (transaction) => {
        const { n } = await transaction.selectFrom('c').select('n').executeTakeFirstOrThrow();
        await transaction
          .updateTable('c')
          .set({ n: n + 1 })
          .execute();
        if (fails) throw new Error('on purpose');
      });
    await add(false);
    await expect(add(true)).rejects.toThrow('on purpose');
    await Promise.all([add(false), add(false), add(false)]);
    expect(await kysely.selectFrom('c').select('n').executeTakeFirst()).toEqual({ n: 4 });
    expect((await sql<{ one: number }>`SELECT 1 AS one`.execute(kysely)).rows).toEqual([{ one: 1 }]);
  } finally {
    await kysely.destroy();
  }
});

test.each(schemes)('@libsql/knex-libsql by %s queries, commits and rolls back', async (scheme) => {
  const db = knex({
    client: require('@libsql/knex-libsql'),
    connection: { filename: url(`knex${scheme}`, scheme) },
    useNullAsDefault: true,
  });
  try {
    await db.schema.createTable('c', (table) => {
      table.integer('n');
    });
    await db('c').insert({ n: 0 });
    const add = (fails: boolean) =>
      db.transaction(async (transaction) => {
        await transaction('c').increment('n', 1);
        if (fails) throw new Error('on purpose');
      });
    await add(false);
    await expect(add(true)).rejects.toThrow('on purpose');
    await Promise.all([add(false), add(false), add(false)]);
    expect(await db('c').select('n')).toEqual([{ n: 4 }]);
  } finally {
    await db.destroy();
  }
});
