import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderLogStore } from '../../../../fs/archive/log/log-store.ts';
import { openStore } from '../../../../fs/archive/ship/open-store.ts';
import { planRestore } from '../../../../fs/archive/ship/restore-plan.ts';
import { Shipper } from '../../../../fs/archive/ship/shipper.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { LoggedModel } from '../logged-model.ts';
import { FlakyStore } from './shipped-model.ts';

let folder: string;
let logs: FolderLogStore;
let store: FlakyStore;
let shipper: Shipper;
let events: [string, string, Readonly<Record<string, unknown>>][];
const models = new Map<string, LoggedModel>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shipper-'));
  mkdirSync(join(folder, 'work'));
  logs = new FolderLogStore(join(folder, 'archive'));
  store = new FlakyStore(openStore(join(folder, 'store')));
  events = [];
  models.clear();
  shipper = newShipper();
  shipper.start();
});
afterEach(async () => {
  await shipper.stop(10_000);
  logs.close();
  rmSync(folder, { recursive: true });
});

function newShipper(): Shipper {
  return new Shipper({
    archiveDir: join(folder, 'archive'),
    workDir: join(folder, 'work'),
    store,
    keepMs: 3_600_000,
    log: (level, event, fields) => events.push([level, event, fields]),
  });
}

function commit(name: string): void {
  const known = models.get(name);
  const model = known ?? new LoggedModel({ seed: models.size + 1, startMs: Date.now() - 1000 });
  models.set(name, model);
  const id = { inode: name, device: '1', name };
  const { log, isNew } = logs.open(id);
  log.append({ ...model.next(isNew ? 'base' : 'commit'), timeMs: Date.now() });
  if (!isNew) return;
  const path = logs.unfinishedBasePath(id);
  writeFileSync(path, Buffer.concat(model.states[0] ?? []));
  log.setBase(path, 1);
}

const lag = () => shipper.status.databases.map(({ name, lagMs, lagBytes }) => [name, lagMs > 0, lagBytes > 0]);

test('what is committed is in the store soon after, of every database; what is idle is left alone', async () => {
  for (const name of ['a.db', 'b.db', 'in/c.db']) commit(name);
  await eventually(async () => expect((await planRestore(store, 'in/c.db')).txid).toBe(1));
  await eventually(() => expect(shipper.status.databases.map(({ txid }) => txid)).toEqual([1, 1, 1]));
  commit('b.db');
  await eventually(() => expect(shipper.status.databases.map(({ txid }) => txid)).toEqual([1, 2, 1]));
  await eventually(() => expect(shipper.status).toMatchObject({ lagMs: 0, lagBytes: 0, errors: 0 }));
  // Snapshots (level 9) and commits. Every half minute of the clock, files of the levels in between come besides.
  const shipped = readdirSync(join(folder, 'store'), { recursive: true, encoding: 'utf8' });
  expect(shipped.filter((name) => /\/ltx\/[09]\/.*\.ltx$/.test(name))).toHaveLength(4);
  expect(events).toEqual([]);
});

test('a stop ships what was committed a moment ago, unless the store is away', async () => {
  commit('a.db');
  await eventually(() => expect(shipper.status.databases.map(({ txid }) => txid)).toEqual([1]));
  // Of several databases, one of them new: all of it is there when the stop is done.
  for (const name of ['a.db', 'b.db', 'c.db', 'd.db', 'e.db', 'f.db']) commit(name);
  await shipper.stop(60_000);
  expect((await planRestore(store, 'a.db')).txid).toBe(2);
  for (const name of ['b.db', 'c.db', 'd.db', 'e.db', 'f.db']) expect((await planRestore(store, name)).txid).toBe(1);

  shipper = newShipper();
  shipper.start();
  await eventually(() => expect(shipper.status.databases).toHaveLength(6));
  store.failure = 'before';
  for (const name of ['a.db', 'b.db', 'c.db']) commit(name);
  await shipper.stop(60_000);
  expect(shipper.status.errors).toBeLessThanOrEqual(4);
  store.failure = undefined;
  expect((await planRestore(store, 'a.db')).txid).toBe(2);
});

test('a store that was never there costs lag, of every database', async () => {
  store.failure = 'before';
  for (const name of ['a.db', 'b.db']) commit(name);
  await eventually(() =>
    expect(lag()).toEqual([
      ['a.db', true, true],
      ['b.db', true, true],
    ]),
  );
});

test('a store that is away costs lag, which is told once, and one that is back gets all', async () => {
  for (const name of ['a.db', 'b.db']) commit(name);
  await eventually(() => expect(shipper.status.databases.map(({ txid }) => txid)).toEqual([1, 1]));
  store.failure = 'before';
  for (let count = 0; count < 5; count++) for (const name of ['a.db', 'b.db']) commit(name);
  await eventually(() => expect(shipper.status.errors).toBeGreaterThan(1));
  expect(shipper.status.failure).toMatchObject({ code: 'away', message: 'not there' });
  await eventually(() => expect(shipper.status.lagMs).toBeGreaterThan(0));
  expect(shipper.status.lagBytes).toBeGreaterThan(0);
  expect(events.map(([level, event]) => [level, event])).toEqual([['warn', 'ship-failing']]);
  store.failure = undefined;
  await eventually(
    () =>
      expect(lag()).toEqual([
        ['a.db', false, false],
        ['b.db', false, false],
      ]),
    { timeoutMs: 60_000 },
  );
  expect(shipper.status.failure).toBeUndefined();
  expect(events.map(([level, event]) => [level, event])).toEqual([
    ['warn', 'ship-failing'],
    ['info', 'ship-goes-on'],
  ]);
  for (const name of ['a.db', 'b.db']) expect((await planRestore(store, name)).txid).toBe(2);
});

test('a folder that cannot be written is told with its name, and used once it can be', async () => {
  writeFileSync(join(folder, 'store'), 'in the way');
  commit('a.db');
  await eventually(() => expect(shipper.status.failure?.message).toContain(join(folder, 'store')));
  renameSync(join(folder, 'store'), join(folder, 'away'));
  await eventually(() => expect(shipper.status).toMatchObject({ lagMs: 0, lagBytes: 0 }), { timeoutMs: 60_000 });
  expect(existsSync(join(folder, 'store', 'a.db', 'ltx', '9'))).toBe(true);
});

test('a log that is damaged keeps its own database from being shipped, and no other', async () => {
  commit('a.db');
  await eventually(() => expect(shipper.status.databases.map(({ txid }) => txid)).toEqual([1]));
  const damaged = logs.incarnations[0]?.folder ?? '';
  commit('a.db');
  writeFileSync(join(damaged, '000000000001.commits'), Buffer.alloc(1024, 7));
  commit('b.db');
  await eventually(() => expect(shipper.status.databases.find(({ name }) => name === 'b.db')?.txid).toBe(1));
  await eventually(() =>
    expect(shipper.status.databases[0]).toMatchObject({ name: 'a.db', failure: { code: 'failed' } }),
  );
  expect(events[0]).toEqual(['warn', 'ship-failing', expect.objectContaining({ database: 'a.db', code: 'failed' })]);
});
