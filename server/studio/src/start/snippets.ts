// Copy-paste snippets that open one database from every door: as a file (python, node, the sqlite3 shell), over HTTP
// (curl, fetch), by clients of other databases, by an agent. They only read, and work as they are: every name is quoted
// by the rules of its language.

export interface SnippetTarget {
  /** Where programs open the file. */
  readonly path: string;
  /** The parameter `db` of the API. */
  readonly db: string;
  /** `http://127.0.0.1:8484`, without a slash at the end. */
  readonly origin: string;
  /** The server asks for a token. */
  readonly token: boolean;
}

export interface Snippet {
  readonly id: 'python' | 'node' | 'shell' | 'curl' | 'fetch' | 'libsql' | 'redis' | 'unstorage' | 'agent';
  readonly title: string;
  readonly door: 'file' | 'http' | 'client' | 'agent';
  readonly text: string;
  /** What the reader needs beside the snippet; empty for nothing. */
  readonly needs: string;
}

const question = 'SELECT name, type FROM sqlite_schema ORDER BY name';

/** Makes a database that has something to show, as often as it is run. */
const beginning = [
  'CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)',
  "INSERT INTO notes (text) VALUES ('hello')",
];
const notes = 'SELECT id, text FROM notes';

export function snippetsFor({ path, db, origin, token }: SnippetTarget): Snippet[] {
  const url = `${origin}/api/v1/sqlite/db?db=${encodeURIComponent(db)}`;
  const body = JSON.stringify({ transaction: [{ query: question }] });
  const python = [
    'import sqlite3',
    '',
    `db = sqlite3.connect(${quoted(path)}, timeout=5)`,
    `for row in db.execute(${quoted(question)}):`,
    '    print(row)',
  ];
  const node = [
    "import Database from 'better-sqlite3';",
    '',
    `const db = new Database(${quoted(path)}, { timeout: 5000 });`,
    `console.log(db.prepare(${quoted(question)}).all());`,
  ];
  const curlToken = token ? ` -H "Authorization: Bearer $HOODY_TOKEN"` : '';
  const fetchToken = token ? [`  headers: { authorization: 'Bearer ' + process.env.HOODY_TOKEN },`] : [];
  const fetchLines = [
    `const answer = await fetch(${quoted(url)}, {`,
    "  method: 'POST',",
    ...fetchToken,
    '  body: JSON.stringify({',
    `    transaction: [{ query: ${quoted(question)} }],`,
    '  }),',
    '});',
    'console.log((await answer.json()).results[0].resultSet);',
  ];
  const setToken = token ? 'HOODY_TOKEN in the environment' : '';
  return [
    { id: 'python', title: 'Python', door: 'file', text: python.join('\n'), needs: '' },
    { id: 'node', title: 'Node', door: 'file', text: node.join('\n'), needs: 'npm install better-sqlite3' },
    {
      id: 'shell',
      title: 'sqlite3',
      door: 'file',
      text: `sqlite3 ${shellQuoted(path)} ${shellQuoted(question)}`,
      needs: '',
    },
    {
      id: 'curl',
      title: 'curl',
      door: 'http',
      text: `curl -s ${shellQuoted(url)}${curlToken} \\\n  -d ${shellQuoted(body)}`,
      needs: setToken,
    },
    { id: 'fetch', title: 'fetch', door: 'http', text: fetchLines.join('\n'), needs: setToken },
    ...clientSnippets(encodeURIComponent(db), origin, token),
    { id: 'agent', title: 'Agent', door: 'agent', text: agentSettings(db, origin, token), needs: setToken },
  ];
}

/** Clients that were made for other databases. `name` is the database as a part of a path. */
function clientSnippets(name: string, origin: string, token: boolean): Snippet[] {
  const needs = (packages: string) => `npm install ${packages}${token ? ', and HOODY_TOKEN in the environment' : ''}`;
  const secret = 'process.env.HOODY_TOKEN';
  const libsql = [
    "import { createClient } from '@libsql/client';",
    '',
    'const client = createClient({',
    `  url: ${quoted(`${origin}/libsql/${name}/`)},`,
    ...(token ? [`  authToken: ${secret},`] : []),
    '});',
    `console.log((await client.execute(${quoted(question)})).rows);`,
  ];
  const redis = [
    "import { Redis } from '@upstash/redis';",
    '',
    'const redis = new Redis({',
    `  url: ${quoted(`${origin}/upstash/${name}`)},`,
    `  token: ${token ? secret : "'any'"},`,
    '});',
    'const [, keys] = await redis.scan(0);',
    'console.log(keys);',
  ];
  const unstorage = [
    "import { createStorage } from 'unstorage';",
    "import httpDriver from 'unstorage/drivers/http';",
    '',
    'const driver = httpDriver({',
    `  base: ${quoted(`${origin}/unstorage/${name}`)},`,
    ...(token ? [`  headers: { Authorization: 'Bearer ' + ${secret} },`] : []),
    '});',
    'console.log(await createStorage({ driver }).getKeys());',
  ];
  return [
    { id: 'libsql', title: 'libSQL', door: 'client', text: libsql.join('\n'), needs: needs('@libsql/client') },
    { id: 'redis', title: 'Upstash', door: 'client', text: redis.join('\n'), needs: needs('@upstash/redis') },
    { id: 'unstorage', title: 'unstorage', door: 'client', text: unstorage.join('\n'), needs: needs('unstorage') },
  ];
}

/** As most programs with agents take them. They may read; `&write=true` lets them write. */
function agentSettings(db: string, origin: string, token: boolean): string {
  const url = `${origin}/mcp?db=${encodeURIComponent(db)}`;
  // A token that may write would get the tools that write.
  const server = token
    ? { type: 'http', url: `${url}&write=false`, headers: { Authorization: `Bearer $\{HOODY_TOKEN}` } }
    : { type: 'http', url };
  return JSON.stringify({ mcpServers: { sqlite: server } }, null, 2);
}

/** Snippets that make the database where there is none. They print what they wrote. */
export function firstSnippets(path: string): Snippet[] {
  const python = [
    'import sqlite3',
    '',
    `db = sqlite3.connect(${quoted(path)}, timeout=5)`,
    ...beginning.map((statement) => `db.execute(${quoted(statement)})`),
    'db.commit()',
    `for row in db.execute(${quoted(notes)}):`,
    '    print(row)',
  ];
  const node = [
    "import Database from 'better-sqlite3';",
    '',
    `const db = new Database(${quoted(path)}, { timeout: 5000 });`,
    ...beginning.map((statement) => `db.exec(${quoted(statement)});`),
    `console.log(db.prepare(${quoted(notes)}).all());`,
  ];
  const script = [...beginning, notes].join('; ');
  return [
    { id: 'python', title: 'Python', door: 'file', text: python.join('\n'), needs: '' },
    { id: 'node', title: 'Node', door: 'file', text: node.join('\n'), needs: 'npm install better-sqlite3' },
    {
      id: 'shell',
      title: 'sqlite3',
      door: 'file',
      text: `sqlite3 ${shellQuoted(path)} ${quoted(script)}`,
      needs: '',
    },
  ];
}

/** The parameter `db` of the API: a file right below the root by its name, any other by its path. */
export function apiName(db: string, path: string): string {
  return /^[A-Za-z0-9._-]+$/.test(db) ? db : path;
}

/**
 * A string of both Python and JavaScript. JSON's escapes mean the same in both, surrogates of a pair excepted: they
 * stay as they are.
 */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
