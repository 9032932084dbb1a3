#!/usr/bin/env node
// The program's first file. It checks the version of Node before anything else is loaded, and therefore imports
// nothing itself and uses no syntax that an old Node could not parse.
const leastNode = [20, 19];
const parts = process.versions.node.split('.').map(Number);
const isOldEnough =
  Number(parts[0]) > Number(leastNode[0]) ||
  (Number(parts[0]) === leastNode[0] && Number(parts[1]) >= Number(leastNode[1]));

if (isOldEnough) {
  import('./cli/run.ts').then((cli) => cli.main());
} else {
  process.stderr.write(
    `hoody-sqlite needs Node ${leastNode.join('.')} or newer, and this is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 1;
}

export {};
