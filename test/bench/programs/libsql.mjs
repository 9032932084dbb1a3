// @libsql/client on a `file:` URL with default settings: each commit is one batch of two statements.
//   libsql.mjs create FILE JOURNAL | work FILE COMMITS
import { createClient } from '@libsql/client';
import { report, waitForSignal } from './signal-line.mjs';

const [what, file, value] = process.argv.slice(2);
const client = createClient({ url: `file:${file}` });

async function create(journal) {
  await client.execute(`PRAGMA journal_mode = ${journal}`);
  await client.execute('CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER)');
  await client.execute('CREATE TABLE entries (id INTEGER PRIMARY KEY, balance INTEGER)');
  await client.execute('INSERT INTO accounts VALUES (1, 0)');
}

function addEntry() {
  return client.batch(
    [
      { sql: 'UPDATE accounts SET balance = balance + ? WHERE id = ?', args: [1, 1] },
      'INSERT INTO entries (balance) SELECT balance FROM accounts',
    ],
    'write',
  );
}

async function work(commits) {
  const errors = [];
  await waitForSignal();
  for (let n = 0; n < commits; n++) await addEntry().catch((error) => errors.push(error.message));
  report(commits, errors);
}

await (what === 'create' ? create(value) : work(Number(value)));
client.close();
