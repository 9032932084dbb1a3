// What SQL may do, in one table: an operation of SQLite's authorizer, what it is about, for whom it is allowed, and
// what the others are told. guard.c judges every operation of every statement by it; without guard.c the texts of
// statements are judged by the same rows (sql/allow-list.ts). The numbers are the action codes of
// sqlite3_set_authorizer().
import { ApiError, type ErrorCode } from '../../messages/errors.ts';

export const operations = {
  CREATE_INDEX: 1,
  CREATE_TABLE: 2,
  CREATE_TEMP_INDEX: 3,
  CREATE_TEMP_TABLE: 4,
  CREATE_TEMP_TRIGGER: 5,
  CREATE_TEMP_VIEW: 6,
  CREATE_TRIGGER: 7,
  CREATE_VIEW: 8,
  DELETE: 9,
  DROP_INDEX: 10,
  DROP_TABLE: 11,
  DROP_TEMP_INDEX: 12,
  DROP_TEMP_TABLE: 13,
  DROP_TEMP_TRIGGER: 14,
  DROP_TEMP_VIEW: 15,
  DROP_TRIGGER: 16,
  DROP_VIEW: 17,
  INSERT: 18,
  PRAGMA: 19,
  READ: 20,
  SELECT: 21,
  TRANSACTION: 22,
  UPDATE: 23,
  ATTACH: 24,
  DETACH: 25,
  ALTER_TABLE: 26,
  REINDEX: 27,
  ANALYZE: 28,
  CREATE_VTABLE: 29,
  DROP_VTABLE: 30,
  FUNCTION: 31,
  SAVEPOINT: 32,
  RECURSIVE: 33,
} as const;

export type Operation = keyof typeof operations;

/**
 * Who acts. `server`: key-value work and transaction control. `maintenance`: VACUUM INTO. `sql`: a statement of POST
 * /db. `query`: GET /query. What a trigger writes counts for its owner: those named `hoody:kv_*` are the server's, all
 * others the user's.
 */
export type Who = 'server' | 'maintenance' | 'sql' | 'query';

/** Patterns ignore case and may hold one `*`. The first rule that matches decides; none: only the server may. */
export interface Rule {
  readonly on: readonly Operation[];
  /**
   * Of the table, view, index, trigger, pragma or function. For an index or trigger its table's name counts as well.
   */
  readonly names?: readonly string[];
  /**
   * Of a pragma, or the module of a virtual table. An empty pattern is for none: an argument that is an empty string is
   * `''`.
   */
  readonly arguments?: readonly string[];
  /** The view that asks; its star stands for the same text as the name's star. */
  readonly through?: string;
  /** Only as a part of DROP or ALTER, which SQLite does with statements of its own. */
  readonly inDrop?: true;
  readonly allowed: readonly Who[];
  /** It stays on the connection, which is closed after the request. */
  readonly taints?: true;
  /** A statement of POST /db is answered and not run; SQLite itself refuses it to everybody but those above. */
  readonly isIgnored?: true;
  readonly refusal?: { readonly code: ErrorCode; readonly text: string };
}

const server = ['server', 'maintenance'] as const;
const everybody = ['server', 'maintenance', 'sql', 'query'] as const;
const exceptQuery = ['server', 'maintenance', 'sql'] as const;

const dropping = ['DROP_INDEX', 'DROP_TABLE', 'DROP_TRIGGER', 'DROP_VIEW', 'DROP_VTABLE', 'ALTER_TABLE'] as const;
const creating = ['CREATE_INDEX', 'CREATE_TABLE', 'CREATE_TRIGGER', 'CREATE_VIEW', 'CREATE_VTABLE'] as const;
const creatingTemp = ['CREATE_TEMP_INDEX', 'CREATE_TEMP_TABLE', 'CREATE_TEMP_TRIGGER', 'CREATE_TEMP_VIEW'] as const;
const droppingTemp = ['DROP_TEMP_INDEX', 'DROP_TEMP_TABLE', 'DROP_TEMP_TRIGGER', 'DROP_TEMP_VIEW'] as const;
const writing = ['INSERT', 'UPDATE', 'DELETE'] as const;

const ownTable = {
  code: 'CONFLICT',
  text: 'the table {name} belongs to the server and cannot be used in SQL',
} as const;
const notHere = { code: 'SQL_ERROR', text: 'PRAGMA {name} is not allowed here' } as const;
const onlyRead = { code: 'SQL_ERROR', text: 'PRAGMA {name} can only be read here' } as const;
const isTransaction = {
  code: 'SQL_ERROR',
  text: '{operation} is not allowed here: the request is one transaction already',
} as const;

/** Their argument says what to look at. */
const askingPragmas = [
  'foreign_key_check',
  'foreign_key_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
];
/** Their argument would set what outlives the request, or what other connections rely on. */
const readPragmas = [
  'collation_list',
  'compile_options',
  'data_version',
  'database_list',
  'freelist_count',
  'function_list',
  'max_page_count',
  'module_list',
  'page_count',
  'pragma_list',
  'query_only',
  'schema_version',
];
/**
 * Clients set them when they connect. Here a connection is the server's and lasts for a request: it is ignored, as
 * SQLite itself ignores what it does not know. Reading them answers what is in force.
 */
const ignoredPragmas = [
  // How long to wait is said by the request (`timeout`), and how much a process may take by the server.
  'busy_timeout',
  'cache_size',
  'cache_spill',
  'hard_heap_limit',
  'mmap_size',
  'shrink_memory',
  'soft_heap_limit',
  'temp_store',
  'threads',
  // The server's upkeep of the file, and how it is synced.
  'analysis_limit',
  'checkpoint_fullfsync',
  'fullfsync',
  'journal_size_limit',
  'wal_autocheckpoint',
  // A request is one transaction, with the locks of one.
  'locking_mode',
  'read_uncommitted',
  // SQLite itself ignores them once the file is there, or as good as.
  'auto_vacuum',
  'encoding',
  'page_size',
  // Neither right nor wrong depends on them.
  'automatic_index',
  'cell_size_check',
  'empty_result_callbacks',
];
/** They write the file, inside the transaction. */
const filePragmas = ['application_id', 'user_version'];
/** They do something at once; the argument says how. */
const actingPragmas = ['incremental_vacuum', 'optimize', 'wal_checkpoint'];
/** They set the connection, for the rest of the request. */
const setPragmas = [
  'case_sensitive_like',
  'defer_foreign_keys',
  'ignore_check_constraints',
  'legacy_alter_table',
  'recursive_triggers',
  'secure_delete',
  'trusted_schema',
];
/**
 * As the others that set the connection, but SQLite ignores or refuses them inside a transaction: they run before
 * BEGIN.
 */
const outsideSetPragmas = ['foreign_keys', 'journal_mode', 'synchronous'];
const connectionPragmas = [...setPragmas, ...outsideSetPragmas];
/** At the head of a request they run before BEGIN. */
export const outsidePragmas: readonly string[] = [...outsideSetPragmas, 'wal_checkpoint'];

export const rules: readonly Rule[] = [
  // Other files. VACUUM INTO and VACUUM attach one.
  {
    on: ['ATTACH', 'DETACH'],
    allowed: ['maintenance'],
    refusal: { code: 'SQL_ERROR', text: '{operation} is not allowed here: one request works on one database' },
  },
  {
    on: ['FUNCTION'],
    names: ['load_extension', 'fts3_tokenizer'],
    allowed: [],
    refusal: { code: 'SQL_ERROR', text: 'the function {name} is not allowed here' },
  },
  { on: ['TRANSACTION', 'SAVEPOINT'], allowed: server, refusal: isTransaction },

  // What the server keeps for itself. The history view of a KV table may be read, and DROP TABLE takes the triggers
  // along.
  { on: ['READ'], names: ['hoody:kv_log:*', 'hoody:kv_keys:*'], through: '*_history', allowed: everybody },
  { on: ['DROP_TRIGGER'], names: ['hoody:kv_*'], inDrop: true, allowed: exceptQuery },
  {
    on: [...writing, 'READ', ...creating, ...creatingTemp, ...dropping, ...droppingTemp],
    names: ['hoody:kv_*'],
    allowed: server,
    refusal: ownTable,
  },
  { on: [...writing, 'READ'], names: ['sqlite_sequence'], inDrop: true, allowed: exceptQuery },
  { on: [...writing, 'READ'], names: ['sqlite_sequence'], allowed: server, refusal: ownTable },
  // Raw pages.
  { on: [...writing, 'READ'], names: ['sqlite_dbpage'], allowed: [], refusal: ownTable },

  { on: ['PRAGMA'], names: askingPragmas, allowed: everybody },
  { on: ['PRAGMA'], names: actingPragmas, allowed: exceptQuery, refusal: notHere },
  {
    on: ['PRAGMA'],
    names: [...readPragmas, ...ignoredPragmas, ...filePragmas, ...connectionPragmas],
    arguments: [''],
    allowed: everybody,
  },
  { on: ['PRAGMA'], names: ignoredPragmas, allowed: server, isIgnored: true, refusal: onlyRead },
  { on: ['PRAGMA'], names: readPragmas, allowed: server, refusal: onlyRead },
  { on: ['PRAGMA'], names: filePragmas, allowed: exceptQuery, refusal: onlyRead },
  // A crash in these leaves a damaged database.
  {
    on: ['PRAGMA'],
    names: ['journal_mode'],
    arguments: ['off', 'memory'],
    allowed: server,
    refusal: {
      code: 'SQL_ERROR',
      text: 'PRAGMA journal_mode={argument} is not allowed here: a crash would damage the database',
    },
  },
  { on: ['PRAGMA'], names: connectionPragmas, allowed: exceptQuery, taints: true, refusal: onlyRead },
  { on: ['PRAGMA'], allowed: server, refusal: notHere },

  {
    on: ['CREATE_VTABLE'],
    arguments: ['fts3', 'fts4', 'fts5', 'fts5vocab', 'fts4aux', 'rtree', 'rtree_i32', 'geopoly'],
    allowed: exceptQuery,
  },
  {
    on: ['CREATE_VTABLE'],
    allowed: server,
    refusal: { code: 'SQL_ERROR', text: 'a virtual table of module {argument} is not allowed here' },
  },
  { on: creatingTemp, allowed: exceptQuery, taints: true },
  { on: [...creating, ...dropping, ...droppingTemp], allowed: exceptQuery },
  // Virtual tables prepare their writes when they are first read: GET /query is kept from writing by query_only.
  { on: [...writing, 'READ', 'SELECT', 'FUNCTION', 'RECURSIVE', 'REINDEX', 'ANALYZE'], allowed: everybody },
];

/** The rule for an operation of a user, by name and argument alone. */
export function ruleFor(operation: Operation, name: string, argument: string): Rule | undefined {
  return rules.find(
    ({ on, names, arguments: given, through, inDrop }) =>
      on.includes(operation) &&
      through === undefined &&
      inDrop === undefined &&
      (names?.some((pattern) => fits(pattern, name)) ?? true) &&
      (given?.some((pattern) => fits(pattern, argument)) ?? true),
  );
}

/** Whether the name is one that the server keeps for itself. */
export function isOwnName(name: string): boolean {
  return ruleFor('INSERT', name, '')?.refusal === ownTable;
}

/** What somebody is told whom no rule allows an operation. `rule` is the one that matched, if any. */
export function refusalOf(
  rule: Rule | undefined,
  operation: Operation,
  name: string,
  argument: string,
  cause?: unknown,
): ApiError {
  const { code, text } = rule?.refusal ?? { code: 'SQL_ERROR' as const, text: '{operation} is not allowed here' };
  const words = { operation: operation.replaceAll('_', ' '), name, argument };
  const message = text.replace(/\{(operation|name|argument)\}/g, (_, word: keyof typeof words) => words[word]);
  return new ApiError(code, message, { cause });
}

function fits(pattern: string, text: string): boolean {
  const [before = '', after] = pattern.toLowerCase().split('*');
  const lower = text.toLowerCase();
  if (after === undefined) return lower === before;
  return lower.length >= before.length + after.length && lower.startsWith(before) && lower.endsWith(after);
}
