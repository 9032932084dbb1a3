// The tools that are about databases as a whole: which there are, what is in them, who holds them, and their past.
import { stringifyJson } from '../../../messages/json.ts';
import type { StudioOverview, StudioSchema } from '../../../messages/studio/schema.ts';
import {
  anyJson,
  boolean,
  integer,
  list,
  mapOf,
  nullable,
  object,
  rfc3339,
  type Schema,
  text,
} from '../../http/schema.ts';
import { rewindPreviewSchema, rewindSchema } from '../time-machine-schemas.ts';
import { type Argument, type Call, maybe, needed, type Tool } from './tool.ts';

export const listDatabases: Tool = {
  name: 'list_databases',
  title: 'List databases',
  description: 'Lists the SQLite databases of this server, newest first. The name is the "db" of the other tools.',
  takesDatabase: 'no',
  input: {},
  output: object({
    items: list(object({ name: text, size: { ...integer, description: 'Bytes.' }, modified: rfc3339 })),
    more: { ...boolean, description: 'There are more databases than are listed.' },
  }),
  run: async ({ ask, pinned }) => {
    const { databases, more } = JSON.parse(await ask({ method: 'GET', path: '/studio/databases' })) as StudioOverview;
    const shown = databases.filter(({ path }) => pinned === null || path === pinned);
    const items = shown.map(({ db: name, bytes: size, modified }) => ({ name, size, modified }));
    return stringifyJson({ items, more: pinned === null && more });
  },
};

export const schema: Tool = {
  name: 'schema',
  title: 'Schema of a database',
  description:
    'Shows the tables, views, indexes and triggers of a database with the SQL that made them. Call it before you write SQL.',
  takesDatabase: 'yes',
  input: {},
  output: object({
    items: list(object({ type: text, name: text, table: text, sql: nullable(text) })),
  }),
  run: async ({ db, ask }) => {
    const found = JSON.parse(await ask({ method: 'GET', path: '/studio/schema', query: { db } })) as StudioSchema;
    return stringifyJson({ items: found.objects.filter(({ group }) => group !== 'system').flatMap(itemsOf) });
  },
};

/** An index that SQLite made for a constraint has no SQL; the triggers of KV tables are the server's. */
function itemsOf({ name: table, type, sql, indexes, triggers }: StudioSchema['objects'][number]): object[] {
  return [
    { type: type === 'virtual' ? 'table' : type, name: table, table, sql },
    ...indexes
      .filter((index) => index.sql !== null)
      .map((index) => ({ type: 'index', name: index.name, table, sql: index.sql })),
    ...triggers
      .filter(({ name }) => !name.startsWith('hoody:'))
      .map((trigger) => ({ type: 'trigger', name: trigger.name, table, sql: trigger.sql })),
  ];
}

export const locks: Tool = {
  name: 'locks',
  title: 'Who holds and who waits',
  description:
    'Shows which programs hold locks of the databases and which wait for whom. Call it when a tool answers DATABASE_BUSY.',
  takesDatabase: 'optional',
  input: {},
  output: object({
    databases: list(object({ db: text, journal: text, holders: list(mapOf(anyJson)), waiters: list(mapOf(anyJson)) })),
  }),
  run: async ({ db, ask }) => await ask({ method: 'GET', path: '/locks', query: { db: db === '' ? undefined : db } }),
};

const moment: Schema = {
  ...text,
  minLength: 1,
  description: 'A time ("2026-11-28T10:00:00Z"), how long ago ("10 minutes ago"), or a bookmark of database_history.',
};
const at: Readonly<Record<string, Argument>> = { at: needed(moment) };

export const databaseHistory: Tool = {
  name: 'database_history',
  title: 'Commits of a database',
  description:
    'Lists the commits of a database by whomever, newest first, each with its bookmark, its time, who wrote, and the tables that changed.',
  takesDatabase: 'yes',
  needsArchive: true,
  input: {
    limit: maybe({ ...integer, minimum: 1, maximum: 200, default: 20, description: 'Commits at most.' }),
    before: maybe({ ...text, minLength: 1, description: 'The next_before of an earlier answer.' }),
    table: maybe({ ...text, minLength: 1, description: 'Only commits that changed this table.' }),
  },
  output: object({ count: integer, has_more: boolean, next_before: nullable(text), commits: list(mapOf(anyJson)) }),
  run: async ({ args, db, ask }) => {
    const { before, table } = args as { before?: string; table?: string };
    const query = { db, limit: Number(args.limit ?? 20), before, table, tables: true };
    return await ask({ method: 'GET', path: '/db/history', query });
  },
};

export const rewindPreview: Tool = {
  name: 'rewind_preview',
  title: 'Show what a rewind would do',
  description:
    'Shows which tables would change, and by how many rows, if the whole database went back to a moment. Writes nothing.',
  takesDatabase: 'yes',
  needsArchive: true,
  isPreview: true,
  input: at,
  output: rewindPreviewSchema,
  run: (call) => rewindTo(call, false),
};

export const rewind: Tool = {
  name: 'rewind',
  title: 'Rewind a database',
  description:
    'Makes the whole database what it was at a moment, for all its users. Call rewind_preview first, and ask the user. Its previous_bookmark takes the rewind back.',
  takesDatabase: 'yes',
  isWrite: true,
  needsArchive: true,
  input: { ...at, confirm: needed({ ...boolean, const: true, description: 'true: do it.' }) },
  output: rewindSchema,
  run: (call) => rewindTo(call, true),
};

async function rewindTo({ args, db, ask }: Call, isConfirmed: boolean): Promise<string> {
  const query = { db, at: String(args.at), confirm: isConfirmed ? 'yes' : undefined };
  return await ask({ method: 'POST', path: '/db/rewind', query });
}
