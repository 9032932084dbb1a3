// Small wrong decisions, each with the tests that must notice it (list.json: file, the text that stands there once,
// what it becomes). Tests with `isBuilt` start the built program and need what `npm test` needs. Demands that all these
// tests are green first; then puts each mutation into the code, runs its tests and takes it back, also where it is
// ended by a signal. Prints how many survived; exit code 1 if any did. Works in the checkout: nothing else may run in
// it meanwhile. `npm run mutate`, and a part of `npm run soak`; `npm run mutate -- fence` tries those with "fence" in
// their name or file.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The tests of one mutation may take as long as all of them together without any, and a minute in any case. */
let timeoutMs = 1_800_000;
const [wanted = ''] = process.argv.slice(2);
const all = JSON.parse(readFileSync(new URL('./list.json', import.meta.url), 'utf8'));
const mutations = all.filter(({ name, file }) => name.includes(wanted) || file.includes(wanted));
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-mutations-'));
const report = join(folder, 'report.json');

/** What must be done before this process ends: the file as it was, and the run of vitest. */
let restore = () => {};
let running;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    running?.kill('SIGKILL');
    end(128 + constants.signals[signal]);
  });
}

try {
  await demandGreen();
  let survivors = 0;
  for (const [index, mutation] of mutations.entries()) {
    if (await isNoticed(mutation)) continue;
    survivors += 1;
    process.stdout.write(`survived (${index + 1} of ${mutations.length}): ${mutation.name}\n`);
  }
  process.stdout.write(`${mutations.length - survivors} of ${mutations.length} mutations are noticed\n`);
  end(survivors === 0 ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  end(1);
}

function end(code) {
  restore();
  if (mutations.some(({ isBuilt }) => isBuilt)) build();
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

/** The program that real tests start. What is no right TypeScript any more is written all the same. */
function build() {
  spawnSync(process.execPath, ['node_modules/typescript/bin/tsc'], { stdio: 'ignore' });
}

/** A test that is red without any mutation would notice every one. */
async function demandGreen() {
  if (mutations.some(({ isBuilt }) => isBuilt)) build();
  const sinceMs = performance.now();
  const { isGreen, failed } = await runTests(...new Set(mutations.map(({ tests }) => tests)));
  timeoutMs = Math.max(60_000, Math.ceil(performance.now() - sinceMs));
  if (!isGreen) throw new Error(`red without any mutation: ${failed.join(', ') || 'no test has run'}`);
}

async function isNoticed({ name, file, from, to, tests, isBuilt }) {
  const before = readFileSync(file, 'utf8');
  if (before.split(from).length !== 2) throw new Error(`${name}: its text does not stand exactly once in ${file}`);
  restore = () => writeFileSync(file, before);
  try {
    writeFileSync(
      file,
      before.replace(from, () => to),
    );
    if (isBuilt) build();
    const { isGreen, failed, isLate } = await runTests(tests);
    // A file that cannot even be loaded says nothing about its tests.
    if (!isGreen && !isLate && failed.length === 0) throw new Error(`${name}: no test fails, yet the run does`);
    return !isGreen;
  } finally {
    restore();
    restore = () => {};
  }
}

/** A run that does not end counts as late: the mutation has made an endless loop. */
async function runTests(...args) {
  rmSync(report, { force: true });
  const vitest = ['run', '--reporter=json', `--outputFile=${report}`, ...args];
  running = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...vitest], {
    stdio: 'ignore',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const { status, signal } = await new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('exit', (status, signal) => resolve({ status, signal }));
  });
  running = undefined;
  if (signal !== null) return { isGreen: false, failed: [], isLate: true };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter((result) => result.status === 'failed').map((result) => result.fullName),
  );
  return { isGreen: status === 0, failed, isLate: false };
}
