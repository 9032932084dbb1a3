// knex on better-sqlite3 with default settings: each commit reads a row, changes it, and adds another one.
//   knex.mjs create FILE JOURNAL | work FILE COMMITS
import Knex from 'knex';
import { report, waitForSignal } from './signal-line.mjs';

const [what, filename, value] = process.argv.slice(2);
const knex = Knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true });

async function create(journal) {
  await knex.raw(`PRAGMA journal_mode = ${journal}`);
  await knex.schema.createTable('accounts', (table) => {
    table.increments('id');
    table.integer('balance');
  });
  await knex.schema.createTable('entries', (table) => {
    table.increments('id');
    table.integer('balance');
  });
  await knex('accounts').insert({ balance: 0 });
}

function addEntry() {
  return knex.transaction(async (trx) => {
    const account = await trx('accounts').first();
    await trx('accounts')
      .where({ id: account.id })
      .update({ balance: account.balance + 1 });
    await trx('entries').insert({ balance: account.balance + 1 });
  });
}

async function work(commits) {
  const errors = [];
  await waitForSignal();
  for (let n = 0; n < commits; n++) await addEntry().catch((error) => errors.push(error.message));
  report(commits, errors);
}

await (what === 'create' ? create(value) : work(Number(value)));
await knex.destroy();
