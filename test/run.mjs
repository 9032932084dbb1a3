// Runs the whole suite and closes with the one line that CI reads: `N passed, N failed, N skipped`.
// `--soak` runs the long loops of test/soak as well. Any other argument is passed to vitest (a file filter, say).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const args = process.argv.slice(2);
const soak = args.includes('--soak');
const out = mkdtempSync(join(tmpdir(), 'hoody-sqlite-report-'));
const report = join(out, 'report.json');

const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);
const vitest = spawnSync(
  'npx',
  [
    'vitest',
    'run',
    ...args.filter((arg) => arg !== '--soak'),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ],
  { stdio: 'inherit', env: { ...process.env, HOODY_SQLITE_SOAK: soak ? '1' : '' } },
);

let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  // no report: vitest itself failed, which the exit code and the count of one failure say
} finally {
  rmSync(out, { recursive: true, force: true });
}
// A file that fails to load has no failed test of its own, yet the run has failed.
const failed = vitest.status === 0 ? counts.numFailedTests : Math.max(1, counts.numFailedTests);
const skipped = counts.numPendingTests + counts.numTodoTests;
process.stdout.write(`${counts.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 ? 0 : 1);
