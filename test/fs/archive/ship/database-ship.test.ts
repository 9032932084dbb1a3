import { afterEach, expect, test, vi } from 'vitest';
import { usedLevels } from '../../../../fs/archive/ship/chain.ts';
import { levelPrefix, parseName } from '../../../../fs/archive/ship/names.ts';
import { wholeFrom } from '../../../helpers/seeded-random.ts';
import { ShippedModel } from './shipped-model.ts';

// Every file is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let model: ShippedModel;
afterEach(() => model.remove());

async function filesOf(level: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of model.store.list(levelPrefix(model.store.url, 'app.db', level))) {
    const file = parseName(model.store.url, name);
    names.push(`${file?.minTxid}-${file?.maxTxid}`);
  }
  return names;
}

test.each([1, 2])('every moment that the store has is right, whatever happens in between: seed %i', async (seed) => {
  model = new ShippedModel(seed * 100);
  const random = wholeFrom(seed);
  for (let round = 0; round < 45; round++) {
    for (let count = random(5); count >= 0; count--) model.commit();
    const event = random(20);
    if (event === 0) model.replace();
    if (event === 1) model.ship = model.newShip();
    if (event === 2) model.restartArchive();
    if (event === 3) await model.upkeep();
    if (event === 4) await model.upkeep({ everyCommitSeconds: 60, thinnedSeconds: 120 });
    if (event === 5) await model.upkeep({ budgetBytes: 1 });
    if (event === 6) model.nowMs += 600_000;
    model.store.failure = event === 7 ? 'before' : event === 8 ? 'after' : undefined;
    const shipping = model.ship.ship(model.logFolder);
    if (model.store.failure === undefined) await shipping;
    else await shipping.catch((error) => expect(error).toMatchObject({ code: 'away' }));
    model.store.failure = undefined;
  }
  await model.ship.ship(model.logFolder);
  expect(model.ship.waitingSinceMs).toBeUndefined();
  expect(await model.check(40)).toBeGreaterThan(20);
});

test('one file for each time, numbers go on over restarts, and the newest stays', async () => {
  model = new ShippedModel(7);
  for (let round = 0; round < 12; round++) {
    model.commit();
    model.commit();
    await model.ship.ship(model.logFolder);
    if (round % 3 === 0) model.ship = model.newShip();
    await model.ship.ship(model.logFolder);
  }
  expect(model.ship.txid).toBe(12);
  const snapshots = await filesOf(9);
  expect(snapshots[0]).toBe('1-1');
  const loose = await filesOf(0);
  expect(loose).toEqual(Array.from({ length: 11 }, (_, index) => `${index + 2}-${index + 2}`));
  for (let round = 0; round < 3; round++) {
    model.nowMs += 600_000;
    await model.ship.ship(model.logFolder);
  }
  expect(await filesOf(0)).toEqual(['12-12']);
});

test('levels are merged every 30 s, 5 min and 1 h; a day later there is a snapshot, and the old ones go', async () => {
  model = new ShippedModel(11, { keepMs: 3600_000 });
  const stepMs = 10_000;
  const [day, begin] = [24 * 3_600_000, model.nowMs];
  let shipped = 0;
  for (; model.nowMs < begin + 4_000_000; model.nowMs += stepMs) {
    if (shipped++ % 3 === 0) model.commit();
    await model.ship.ship(model.logFolder);
  }
  const counts = new Map<number, number>();
  for (const level of usedLevels) counts.set(level, (await filesOf(level)).length);
  // Commits of half a minute each: one of level 0 for each of level 1, of which 10 make one of level 2.
  expect(counts.get(1)).toBeGreaterThan(80);
  expect(counts.get(0)).toBeLessThanOrEqual(13);
  expect(counts.get(2)).toBeGreaterThanOrEqual(10);
  expect(counts.get(3)).toBeGreaterThanOrEqual(1);
  await model.check(30);
  for (let hour = 1; hour <= 27; hour++) {
    model.nowMs += 3_600_000;
    model.commit();
    await model.ship.ship(model.logFolder);
  }
  expect(model.nowMs - begin).toBeGreaterThan(day);
  const [oldest] = await filesOf(9);
  expect(oldest).not.toBe('1-1');
  expect((await filesOf(1)).length).toBeLessThan(30);
  await model.check(30);
});

test('a log whose commits were dropped before they were shipped is shipped whole', async () => {
  model = new ShippedModel(13);
  for (let count = 0; count < 50; count++) model.commit();
  await model.ship.ship(model.logFolder);
  for (let count = 0; count < 400; count++) model.commit();
  await model.upkeep();
  await model.upkeep({ budgetBytes: 1 });
  model.ship = model.newShip();
  await model.ship.ship(model.logFolder);
  expect(await filesOf(0)).toEqual(['2-2']);
  expect(await filesOf(9)).toEqual(['1-1', '1-2']);
  const { sums, timeMs } = await model.restored();
  expect(timeMs).toBe(Math.floor(model.moments.at(-1)?.timeMs ?? 0));
  expect(sums).toEqual(model.sumsAt(timeMs));
});

test('files of level 0 stay where no merge has them', async () => {
  model = new ShippedModel(29, { keepMs: 1e12 });
  const notMerged = async () => {
    const end = Number((await filesOf(1)).at(-1)?.split('-')[1] ?? 0);
    return (await filesOf(0)).filter((name) => Number.parseInt(name, 10) > end);
  };
  do {
    model.commit();
    await model.ship.ship(model.logFolder);
  } while ((await filesOf(1)).length === 0 || (await notMerged()).length < 2);
  // The log drops commits that were not shipped, so nothing can say any more what changed in between.
  for (let count = 0; count < 400; count++) model.commit();
  await model.upkeep();
  await model.upkeep({ budgetBytes: 1 });
  const kept = await notMerged();
  for (let minutes = 0; minutes < 20; minutes++) {
    model.nowMs += 60_000;
    await model.ship.ship(model.logFolder);
  }
  const newest = `${model.ship.txid}-${model.ship.txid}`;
  expect(await filesOf(0)).toEqual([...kept, newest]);
  await model.check(30);
});

test('a new log whose first copy is still being made waits, also where its number was shipped before', async () => {
  model = new ShippedModel(15);
  model.commit();
  await model.ship.ship(model.logFolder);
  expect(model.ship.waitingSinceMs).toBeUndefined();
  model.replace();
  model.makesBases = false;
  model.commit();
  await model.ship.ship(model.logFolder);
  expect([model.ship.waitingSinceMs, model.ship.txid]).toEqual([Math.floor(model.moments.at(-1)?.timeMs ?? 0), 1]);
});

test('of two that ship to the same place, one stops and says so', async () => {
  model = new ShippedModel(17);
  const other = new ShippedModel(19);
  try {
    model.commit();
    await model.ship.ship(model.logFolder);
    other.commit();
    const ship = other.newShip(model.store);
    await ship.ship(other.logFolder);
    expect(ship.txid).toBe(2);
    expect((await filesOf(0)).concat(await filesOf(9))).toEqual(['2-2', '1-1', '1-2']);
    model.commit();
    await expect(model.ship.ship(model.logFolder)).rejects.toThrow('another program ships app.db to file://');
    // It may be the only one again.
    model.ship.forgetStore();
    await model.ship.ship(model.logFolder);
    expect(model.ship.txid).toBe(3);
    expect((await model.restored()).sums).toEqual(model.sumsAt(model.nowMs));
  } finally {
    other.remove();
  }
});

test('a database that got smaller gets a snapshot with it', async () => {
  model = new ShippedModel(23);
  for (let count = 0; count < 30; count++) {
    const before = model.moments.at(-1)?.state.length ?? 0;
    model.commit();
    const after = model.moments.at(-1)?.state.length ?? 0;
    await model.ship.ship(model.logFolder);
    const newest = (await filesOf(9)).at(-1);
    if (after < before) expect(newest).toBe(`1-${model.ship.txid}`);
  }
  expect((await filesOf(9)).length).toBeGreaterThan(1);
  await model.check(30);
});
