// What SQL over HTTP is compared with: node:http and better-sqlite3 in one process, a WAL database with FULL, on fd 3.
// Usage: node bare-sqlite.mjs DATABASE, forked with a listening socket as descriptor 3
import { createServer } from 'node:http';
import Database from 'better-sqlite3';

const database = new Database(process.argv[2]);
database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
database.exec('CREATE TABLE IF NOT EXISTS rows(id INTEGER PRIMARY KEY, text TEXT)');
const prepared = new Map();

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { transaction } = JSON.parse(Buffer.concat(chunks).toString());
    const results = transaction.map(({ query, statement, values }) => {
      const sql = query ?? statement;
      if (!prepared.has(sql)) prepared.set(sql, database.prepare(sql));
      const found = prepared.get(sql);
      if (query !== undefined) return { success: true, resultSet: found.all(...values) };
      return { success: true, rowsUpdated: found.run(...values).changes };
    });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ results }));
  });
}).listen({ fd: 3 }, () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));
