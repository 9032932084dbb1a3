// The README's tables out of a report of the suite. Pure.

const journals = { wal: 'WAL', delete: 'rollback' };

export function readmeTables({ date, machine, mount, kv, sql }) {
  const from = `${date.slice(0, 10)}, ${machine.cpus} processors, Linux ${machine.kernel}, Node ${machine.node}`;
  return [from, mountTable(mount), httpTable(kv, sql)].map((text) => `${text}\n`).join('\n');
}

function mountTable({ places, rows }) {
  const line = ({ journal, sync, what, perSecond, ratios }) =>
    `| ${journals[journal]}, ${sync.toUpperCase()}, ${what} | ${count(perSecond)} | ${ratios.map(ratio).join(' | ')} |`;
  return table(['journal, synchronous, what', 'ext4 /s', ...places], rows.map(line));
}

/** Of requests over HTTP, the mount's. "bare": node:http with better-sqlite3 in one process. */
function httpTable(kv, sql) {
  const kvLines = kv.rows.map(({ what, connections, perSecond, toSqlite, toKoa }) => {
    const against = what === 'get' ? `${ratio(toSqlite.mount)}; ${ratio(toKoa)} of Koa` : ratio(toSqlite.mount);
    return `| KV ${what}, ${connections} | ${count(perSecond.mount)} | ${count(perSecond.sqlite)} | ${against} |`;
  });
  const sqlLines = sql.rows
    .filter(({ target, against }) => target === 'here' && against === 'sqlite')
    .map(
      (row) =>
        `| ${row.what}, ${row.connections} | ${count(row.perSecond)} | ${count(row.bare)} | ${ratio(row.ratio)} |`,
    );
  return table(['request, connections', 'mount /s', 'bare /s', 'ratio'], [...kvLines, ...sqlLines]);
}

function table(heads, lines) {
  return [`| ${heads.join(' | ')} |`, `|${'---|'.repeat(heads.length)}`, ...lines].join('\n');
}

const count = (value) => Math.round(value).toLocaleString('en');
const ratio = (value) => value.toFixed(2);
