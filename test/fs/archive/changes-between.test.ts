import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog } from '../../../fs/archive/log/log-files.ts';
import { FolderLogStore } from '../../../fs/archive/log/log-store.ts';
import { OpenLog } from '../../../fs/archive/log/open-log.ts';
import { changesBetween, zeroPage } from '../../../fs/archive/past/changes-between.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';
import { LoggedModel, sumsOf } from './logged-model.ts';

let folder: string;
let logs: FolderLogStore;
const id = { inode: '1', device: '1', name: 'app.db' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'changes-between-'));
  logs = new FolderLogStore(folder, { segmentBytes: 16 * 1024 });
});
afterEach(() => {
  logs.close();
  rmSync(folder, { recursive: true });
});

function fill(model: LoggedModel, commits: number): string {
  const { log } = logs.open(id);
  for (let number = 1; number <= commits; number++) {
    log.append(model.next(number === 1 ? 'base' : 'commit'));
    if (number > 1) continue;
    const path = logs.unfinishedBasePath(id);
    writeFileSync(path, Buffer.concat(model.states[0] ?? []));
    log.setBase(path, 1);
  }
  return logs.incarnations[0]?.folder ?? '';
}

/** The pages of one state, and over them what the log says has changed. */
function led(log: OpenLog, model: LoggedModel, from: number, to: number): string[] {
  const before = model.states[from] ?? [];
  const changes = changesBetween(log, from, to, before.length);
  const pages = Array.from({ length: changes.databasePages }, (_, index) => before[index] ?? Buffer.alloc(512, 0xee));
  for (const [page, place] of changes.pages) {
    const content = Buffer.alloc(512);
    if (place !== zeroPage) log.readLogged(place, content, 0);
    pages[page - 1] = content;
  }
  const numbers = [...changes.pages.keys()];
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  return sumsOf(pages);
}

test('what changed between any two commits leads from the state of one to that of the other', async () => {
  const model = new LoggedModel({ seed: 3, pages: 12 });
  const commits = 250;
  const path = fill(model, commits);
  for (const first of listLog(path).raw.slice(0, -1)) await compress(path, first);
  const log = OpenLog.open(path);
  const random = wholeFrom(4);
  for (let count = 0; count < 300; count++) {
    const from = 1 + random(commits - 1);
    const to = from + 1 + random(Math.min(40, commits - from));
    expect([from, to, led(log, model, from, to)]).toEqual([from, to, model.sumsAt(to)]);
  }
  log.close();
});

test('pages that were lost and came back unwritten are zero', () => {
  const model = new LoggedModel({ seed: 5, pages: 6 });
  const { log } = logs.open(id);
  log.append(model.next('base'));
  const path = logs.unfinishedBasePath(id);
  writeFileSync(path, Buffer.concat(model.states[0] ?? []));
  log.setBase(path, 1);
  const page = () => [Buffer.alloc(512, 9)];
  log.append(model.commit('commit', 6, [5], page()));
  log.append(model.commit('commit', 2, [1], page()));
  log.append(model.commit('commit', 7, [7], page()));
  const opened = OpenLog.open(logs.incarnations[0]?.folder ?? '');
  const changes = changesBetween(opened, 1, 4, 6);
  expect([...changes.pages.keys()]).toEqual([1, 3, 4, 5, 6, 7]);
  expect([3, 4, 5, 6].map((number) => changes.pages.get(number))).toEqual([zeroPage, zeroPage, zeroPage, zeroPage]);
  expect(changes).toMatchObject({ databasePages: 7, hasShrunk: true, loggedPages: 3 });
  expect(led(opened, model, 1, 4)).toEqual(model.sumsAt(4));
  opened.close();
});
