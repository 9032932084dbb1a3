// What is said about databases in RAM is true at that moment, however seldom the copier looks: a move that has just
// been made is not told as it was before, and the next one is not taken for done.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderParts } from '../../../fs/nodes/ram-folders.ts';
import type { TierStatus } from '../../../fs/tier/messages.ts';
import { folderNameOf } from '../../../fs/tier/places.ts';
import { Tier } from '../../../fs/tier/tier.ts';

test('a database that came to RAM or left it a moment ago', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-tier-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [dataDir, root] = [join(folder, 'data'), join(folder, 'root')];
  for (const directory of [dataDir, root]) mkdirSync(directory);
  const place = join(root, folderNameOf(dataDir));
  for (const part of folderParts) mkdirSync(join(place, part), { recursive: true });
  writeFileSync(join(place, 'path'), '');
  writeFileSync(join(dataDir, 'app.db'), '');
  const options = { dataDir, root, globs: [], chosen: {}, lagMs: 60_000, maxBytes: 0, mayLoad: false };
  const tier = new Tier(options, () => {});
  await tier.prepare();
  const names = async () => ((await tier.answer({ op: 'status' })) as TierStatus).databases.map(({ path }) => path);
  expect(await names()).toEqual([]);
  writeFileSync(join(place, 'files', 'app.db'), '');
  expect(await names()).toEqual(['app.db']);
  rmSync(join(place, 'files', 'app.db'));
  expect(await names()).toEqual([]);
});
