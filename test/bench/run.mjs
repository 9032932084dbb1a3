// The whole suite: SQLite on the mount, then key-value requests and SQL over HTTP, and Redis over HTTP.
//   npm run bench [-- --quick] [--json FILE]     needs root, /dev/fuse, python3 and `npm run build`
// On a machine that somebody else uses too it prints no table for the README.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyShare, othersShare } from './kv/others.mjs';
import { readmeTables } from './readme-tables.mjs';
import { jsonReport, machine } from './report.mjs';

const args = process.argv.slice(2);
const write = jsonReport(args);
const isQuick = args.includes('--quick');
const parts = [
  ['mount', 'mount.mjs', isQuick ? ['0.3', '3'] : []],
  ['kv', 'kv/run.mjs', isQuick ? ['--quick'] : []],
  ['sql', 'sql-http.mjs', isQuick ? ['0.3', '3'] : []],
  ['webdis', 'webdis.mjs', isQuick ? ['0.3', '3'] : []],
];
const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-suite-'));
const report = { date: new Date().toISOString(), isQuick, machine: machine(), others: [] };
try {
  for (const [name, program, own] of parts) {
    report.others.push(await othersShare(1000));
    const file = join(folder, `${name}.json`);
    const given = [join(import.meta.dirname, program), ...own, '--json', file];
    const { status } = spawnSync(process.execPath, given, { stdio: 'inherit' });
    if (status === 0) report[name] = JSON.parse(readFileSync(file, 'utf8'));
    else process.exitCode = 1;
  }
  report.others.push(await othersShare(1000));
  write(report);
  const most = Math.max(...report.others, report.kv?.others ?? 0);
  if (most > busyShare) {
    const share = Math.round(most * 100);
    process.stdout.write(`\nNo table for the README: others had up to ${share} % of the machine. Run it alone.\n`);
  } else if (process.exitCode === undefined) process.stdout.write(`\n${readmeTables(report)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
