// Random commits to pages of a database whose base is copied last: every state from `validFrom` on is whole, and the
// one before it is not.
import { expect, test } from 'vitest';
import { FirstStates } from '../../../fs/archive/tail/first-states.ts';

interface Made {
  readonly databasePages: number;
  readonly pageNumbers: Uint32Array;
}

/** All of its pages were written by then, or never are. */
function isWhole(commits: readonly Made[], number: number): boolean {
  const writtenIn = (some: readonly Made[]) => new Set(some.flatMap(({ pageNumbers }) => [...pageNumbers]));
  const [before, after] = [writtenIn(commits.slice(0, number)), writtenIn(commits.slice(number))];
  const pages = commits[number - 1]?.databasePages ?? 0;
  return [...after].every((page) => page > pages || before.has(page));
}

const below = (limit: number) => Math.floor(Math.random() * limit);

function randomCommits(): Made[] {
  let databasePages = 1 + below(5);
  return Array.from({ length: 1 + below(12) }, () => {
    databasePages = Math.max(1, databasePages + below(5) - 1);
    const pages = new Set(Array.from({ length: 1 + below(3) }, () => 1 + below(databasePages)));
    return { databasePages, pageNumbers: Uint32Array.from(pages).sort() };
  });
}

test('states can be had from the first commit on behind which all are whole', () => {
  for (let round = 0; round < 2_000; round++) {
    const commits = randomCommits();
    const states = new FirstStates();
    for (const commit of commits) states.add(commit);
    const whole = commits.map((_, index) => isWhole(commits, index + 1));
    expect({ commits, validFrom: states.validFrom }).toEqual({ commits, validFrom: whole.lastIndexOf(false) + 2 });
  }
});
