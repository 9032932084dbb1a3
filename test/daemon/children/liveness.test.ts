// A process that does not answer is ended after some rounds; the service manager hears of rounds in which all answer.
import { expect, test } from 'vitest';
import { watchLiveness } from '../../../daemon/children/liveness.ts';
import { createLog } from '../../../daemon/log.ts';
import { eventually } from '../../helpers/eventually.ts';

const log = createLog({ write: () => {} }, 'error');

async function watched(
  answers: Readonly<Record<string, () => Promise<unknown>>>,
  test: (seen: { ended: string[]; alive: () => number }) => Promise<void>,
  { intervalMs = 1, isStarting = false, isVital = (_: string): boolean => true } = {},
): Promise<void> {
  const ended: string[] = [];
  let alive = 0;
  const end = new AbortController();
  const probes = Object.entries(answers).map(([name, ask]) => ({
    name,
    ask,
    isStarting: () => isStarting,
    isVital: isVital(name),
    end: () => ended.push(name),
  }));
  const watch = watchLiveness({ probes, intervalMs, onAllAlive: () => alive++, log }, end.signal);
  try {
    await test({ ended, alive: () => alive });
  } finally {
    end.abort();
    await watch;
  }
}

const silent = () => Promise.reject(new Error('silent'));
const answering = () => Promise.resolve();

test('nobody is ended while everybody answers', async () => {
  await watched({ fs: answering, server: answering }, async ({ ended, alive }) => {
    await eventually(() => expect(alive()).toBeGreaterThan(10));
    expect(ended).toEqual([]);
  });
});

test('the silent one is asked again sooner than the others', async () => {
  const hourMs = 3_600_000;
  await watched({ fs: silent }, ({ ended }) => eventually(() => expect(ended).toEqual(['fs'])), { intervalMs: hourMs });
});

test('the silent one is ended, and no sign of life is given', async () => {
  await watched({ fs: silent, server: answering }, async ({ ended, alive }) => {
    await eventually(() => expect(ended.length).toBeGreaterThan(1));
    expect(new Set(ended)).toEqual(new Set(['fs']));
    expect(alive()).toBe(0);
  });
});

test('the silence of one without which everything is served ends it, and is no reason to restart the service', async () => {
  await watched(
    { archive: silent, server: answering },
    async ({ ended, alive }) => {
      await eventually(() => expect(ended.length).toBeGreaterThan(1));
      expect(new Set(ended)).toEqual(new Set(['archive']));
      expect(alive()).toBeGreaterThan(1);
    },
    { isVital: (name) => name !== 'archive' },
  );
});

test('one that is being started is not ended, and gives no sign of life', async () => {
  let round = 0;
  const notYet = () => {
    round += 1;
    return silent();
  };
  await watched(
    { fs: notYet },
    async ({ ended, alive }) => {
      await eventually(() => expect(round).toBeGreaterThan(10));
      expect(ended).toEqual([]);
      expect(alive()).toBe(0);
    },
    { isStarting: true },
  );
});

test('one answer in between starts the count again', async () => {
  let round = 0;
  const sometimes = () => (++round % 3 === 0 ? answering() : silent());
  await watched({ fs: sometimes }, async ({ ended }) => {
    await eventually(() => expect(round).toBeGreaterThan(30));
    expect(ended).toEqual([]);
  });
});
