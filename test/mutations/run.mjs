// Small wrong decisions, each with the fast tests that must notice it (list.json: file, the text that stands there once, what
// it becomes). Applies each mutation, runs the tests that must notice, and takes it back. Prints how many survived; exit code 1 if any
// did. Works in the checkout: nothing else may run in it meanwhile. `npm run mutate`, and a part of `npm run soak`.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const mutations = JSON.parse(readFileSync(new URL('./list.json', import.meta.url), 'utf8'));

const survivors = [];
for (const { name, file, from, to, tests } of mutations) {
  const before = readFileSync(file, 'utf8');
  try {
    writeFileSync(
      file,
      before.replace(from, () => to),
    );
    const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'fast', tests], { stdio: 'ignore' });
    if (status === 0) survivors.push(name);
  } finally {
    writeFileSync(file, before);
  }
}
process.stdout.write(`${mutations.length - survivors.length} of ${mutations.length} mutations are noticed\n`);
for (const name of survivors) process.stdout.write(`survived: ${name}\n`);
process.exit(survivors.length === 0 ? 0 : 1);
