// Databases in RAM survive what they are said to survive.
import { describe, test } from 'vitest';
import { endUnderLoad, rebootUnderLoad } from './rounds.ts';

describe('all processes end under load of native and HTTP writers, WAL and rollback', () => {
  test('and the host reboots: the durable copies are states that were, at most the lag old', async () => {
    await rebootUnderLoad(5);
  });

  test('and the next daemon goes on with the files in RAM: nothing is lost', async () => {
    await endUnderLoad(5);
  });
});
