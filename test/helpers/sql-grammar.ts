// Random statements of SQLite's grammar, from a seed: most are valid, some are damaged, and all love names that are
// forbidden.

import { randomFrom } from './seeded-random.ts';

export interface Names {
  readonly tables: readonly string[];
  readonly columns: readonly string[];
  /** Paths of files that no statement may touch. */
  readonly files: readonly string[];
}

const pragmas = [
  'foreign_keys',
  'journal_mode',
  'synchronous',
  'query_only',
  'writable_schema',
  'locking_mode',
  'temp_store',
  'cache_size',
  'temp_store_directory',
  'data_store_directory',
  'wal_checkpoint',
  'wal_autocheckpoint',
  'user_version',
  'application_id',
  'optimize',
  'table_info',
  'table_list',
  'integrity_check',
  'recursive_triggers',
  'ignore_check_constraints',
  'trusted_schema',
  'cell_size_check',
  'mmap_size',
  'page_size',
  'auto_vacuum',
  'incremental_vacuum',
  'schema_version',
  'legacy_alter_table',
  'secure_delete',
  'case_sensitive_like',
  'encoding',
  'busy_timeout',
  'analysis_limit',
  'threads',
  'shrink_memory',
  'hard_heap_limit',
  'soft_heap_limit',
  'journal_size_limit',
  'cache_spill',
  'automatic_index',
  'reverse_unordered_selects',
  'read_uncommitted',
  'fullfsync',
  'max_page_count',
  'defer_foreign_keys',
  'count_changes',
  'empty_result_callbacks',
  'full_column_names',
  'short_column_names',
  'checkpoint_fullfsync',
  'default_cache_size',
  'database_list',
  'foreign_key_check',
  'index_list',
  'quick_check',
  'function_list',
  'vdbe_trace',
  'stats',
];
const gaps = [' ', ' ', ' ', ' ', '\n', '\t', ' \ufeff ', ' /* x */ ', ' -- y\n', ' \ufeff', '/**/\f'];

export class SqlGrammar {
  readonly #random: () => number;
  readonly #names: Names;
  #depth = 0;

  constructor(seed: number, names: Names) {
    this.#random = randomFrom(seed);
    this.#names = names;
  }

  statement(): string {
    this.#depth = 0;
    const make = this.#pick([
      () => this.#select(),
      () => this.#select(),
      () =>
        `INSERT ${this.#conflict()} INTO ${this.#table()} ${this.#maybe('(a)')} ${this.#source()} ${this.#returning()}`,
      () => `REPLACE INTO ${this.#table()}(a) VALUES (${this.#expr()})`,
      () =>
        `UPDATE ${this.#conflict()} ${this.#table()} SET ${this.#column()} = ${this.#expr()} ${this.#where()} ${this.#returning()}`,
      () => `DELETE FROM ${this.#table()} ${this.#where()} ${this.#returning()}`,
      () => this.#create(),
      () => this.#create(),
      () => `DROP ${this.#pick(['TABLE', 'VIEW', 'INDEX', 'TRIGGER'])} ${this.#maybe('IF EXISTS')} ${this.#name()}`,
      () =>
        `ALTER TABLE ${this.#table()} ${this.#pick([`RENAME TO ${this.#newName()}`, 'ADD COLUMN added', 'RENAME a TO b', 'DROP COLUMN a'])}`,
      () => this.#pragma(),
      () => this.#pragma(),
      () => this.#forbidden(),
      () => this.#pick(['ANALYZE', 'REINDEX', `ANALYZE ${this.#table()}`, `REINDEX ${this.#table()}`]),
      () => `EXPLAIN ${this.#maybe('QUERY PLAN')} ${this.#pick([this.#forbidden(), this.#select()])}`,
    ]);
    const words = make()
      .split(' ')
      .filter((word) => word !== '');
    if (this.#random() < 0.1) this.#damage(words);
    const start = this.#random() < 0.3 ? this.#pick(gaps) : '';
    return start + words.map((word) => word + this.#pick(gaps)).join('');
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  #maybe(text: string): string {
    return this.#random() < 0.5 ? text : '';
  }

  #damage(words: string[]): void {
    const at = Math.floor(this.#random() * words.length);
    const other = Math.floor(this.#random() * words.length);
    const change = this.#pick(['drop', 'double', 'swap', 'semicolon']);
    if (change === 'drop') words.splice(at, 1);
    else if (change === 'double') words.splice(at, 0, words[other] ?? '');
    else if (change === 'semicolon') words.splice(at, 0, ';');
    else [words[at], words[other]] = [words[other] ?? '', words[at] ?? ''];
  }

  #quote(name: string): string {
    return this.#pick([`"${name}"`, `'${name}'`, `[${name}]`, `\`${name}\``]);
  }

  #file(): string {
    return `'${this.#pick(this.#names.files)}'`;
  }

  #table(): string {
    const table = this.#pick(this.#names.tables);
    const text = /^\w+$/.test(table) && this.#random() < 0.8 ? table : this.#quote(table);
    return this.#random() < 0.1 ? `${this.#pick(['main', 'temp', '"main"', 'other'])}.${text}` : text;
  }

  #column(): string {
    return this.#random() < 0.9 ? this.#pick(this.#names.columns) : this.#quote(this.#pick(this.#names.columns));
  }

  #newName(): string {
    return this.#random() < 0.8 ? `made_${Math.floor(this.#random() * 20)}` : this.#table();
  }

  #name(): string {
    return this.#random() < 0.5 ? this.#newName() : this.#table();
  }

  #conflict(): string {
    return this.#random() < 0.3 ? `OR ${this.#pick(['IGNORE', 'REPLACE', 'ABORT', 'FAIL', 'ROLLBACK'])}` : '';
  }

  #returning(): string {
    return this.#random() < 0.2 ? `RETURNING ${this.#expr()}` : '';
  }

  #where(): string {
    return this.#random() < 0.7 ? `WHERE ${this.#expr()}` : '';
  }

  #source(): string {
    return this.#pick([`VALUES (${this.#expr()})`, 'DEFAULT VALUES', this.#select()]);
  }

  #from(): string {
    const one = (): string =>
      this.#pick([
        () => this.#table(),
        () => `(${this.#select()})`,
        () => `pragma_${this.#pick(pragmas)}(${this.#maybe(`'${this.#pick(['t', '1', 'off', 'memory'])}'`)})`,
        () => `json_each('[1,2]')`,
        () => this.#pick(['dbstat', 'sqlite_dbpage', 'sqlite_stmt', 'bytecode', 'sqlite_master', 'sqlite_temp_master']),
      ])();
    return this.#random() < 0.3 ? `${one()} ${this.#pick([',', 'JOIN', 'LEFT JOIN'])} ${one()}` : one();
  }

  #select(): string {
    this.#depth += 1;
    if (this.#depth > 3) return 'SELECT 1';
    const list = this.#pick(['*', 'count(*)', this.#expr(), `${this.#expr()} , ${this.#expr()}`]);
    const cte = this.#random() < 0.2 ? `WITH ${this.#pick(['c', "'hoody:kv_c'"])} AS (${this.#select()})` : '';
    const core = `SELECT ${list} FROM ${this.#from()} ${this.#where()}`;
    return `${cte} ${this.#random() < 0.1 ? `${core} UNION ALL ${core}` : core} LIMIT 5`;
  }

  #expr(): string {
    this.#depth += 1;
    if (this.#depth > 6) return '1';
    return this.#pick([
      () => '1',
      () => "'text'",
      () => '"text"',
      () => 'NULL',
      () => this.#column(),
      () => `${this.#expr()} ${this.#pick(['=', '<', '+', '||', 'AND', 'IS NOT', 'LIKE'])} ${this.#expr()}`,
      () => `(${this.#select()})`,
      () => `${this.#column()} IN ${this.#table()}`,
      () => `${this.#pick(['load_extension', 'fts3_tokenizer', 'readfile', 'writefile'])}(${this.#file()})`,
      () => `${this.#pick(['abs', 'length', 'hex', 'quote', 'random', 'changes', 'sqlite_version'])}(${this.#expr()})`,
      () => `CASE WHEN ${this.#expr()} THEN ${this.#expr()} END`,
    ])();
  }

  #create(): string {
    const temp = this.#random() < 0.2 ? 'TEMP' : '';
    const ifNot = this.#maybe('IF NOT EXISTS');
    const name = this.#random() < 0.1 ? `temp.${this.#newName()}` : this.#newName();
    return this.#pick([
      () =>
        `CREATE ${temp} TABLE ${ifNot} ${name} (a, b ${this.#maybe('UNIQUE')}, id INTEGER PRIMARY KEY ${this.#maybe('AUTOINCREMENT')})`,
      () => `CREATE ${temp} TABLE ${name} AS ${this.#select()}`,
      () => `CREATE ${temp} VIEW ${ifNot} ${name} AS ${this.#select()}`,
      () => `CREATE INDEX ${ifNot} ${name} ON ${this.#table()} (a)`,
      () =>
        `CREATE ${temp} TRIGGER ${ifNot} ${name} AFTER ${this.#pick(['INSERT', 'DELETE', 'UPDATE'])} ON ${this.#table()} BEGIN DELETE FROM ${this.#table()} ${this.#where()} ; END`,
      () =>
        `CREATE VIRTUAL TABLE ${name} USING ${this.#pick(['fts5(a)', 'fts4(a)', 'rtree(id, x, y)', 'dbstat', 'csv(filename=x)', 'sqlite_dbpage'])}`,
    ])();
  }

  #pragma(): string {
    const value = this.#pick(['1', '0', 'ON', 'off', 'memory', 'DELETE', '-100', '"text"', this.#file(), 't']);
    const schema = this.#random() < 0.2 ? this.#pick(['main.', 'temp.']) : '';
    const name = schema + this.#pick(pragmas);
    return this.#pick([`PRAGMA ${name}`, `PRAGMA ${name} = ${value}`, `PRAGMA ${name} ( ${value} )`]);
  }

  #forbidden(): string {
    return this.#pick([
      `ATTACH ${this.#maybe('DATABASE')} ${this.#file()} AS other`,
      `ATTACH ':memory:' AS ${this.#newName()}`,
      'DETACH main',
      `VACUUM ${this.#maybe(`INTO ${this.#file()}`)}`,
      `BEGIN ${this.#pick(['', 'IMMEDIATE', 'EXCLUSIVE', 'TRANSACTION'])}`,
      'COMMIT',
      'END',
      `ROLLBACK ${this.#maybe('TO outer')}`,
      'SAVEPOINT outer',
      'RELEASE outer',
    ]);
  }
}
