import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArchiveAnswer, ArchiveQuestion } from '../../../../server/messages/time-machine.ts';
import { GenerationNumbers, makeGenerationsFolder } from '../../../../server/process/replicas/generation-numbers.ts';
import { type ChainSizes, Replicas } from '../../../../server/process/replicas/replicas.ts';
import { Archive } from '../../../../server/process/time-machine/archive.ts';
import { PastStates } from '../../../../server/process/time-machine/past-states.ts';
import { TimeMachine } from '../../../../server/process/time-machine/time-machine.ts';
import { ArchivedDatabase, someWork } from '../../../fs/archive/archived-database.ts';
import { wholeFrom } from '../../../helpers/seeded-random.ts';
import { isToldToTryAgain, ModelCopy } from './model-copy.ts';

const target = { path: '/root/app.db', name: 'app' };
const deadlineMs = () => performance.now() + 20_000;

let folder: string;
let archived: ArchivedDatabase;
let states: PastStates;
/** Refuses the next questions of this kind, as an archive that has dropped what was asked for. */
let dropped: ArchiveQuestion['op'] | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-replicas-'));
  mkdirSync(join(folder, 'past'));
  states = new PastStates(join(folder, 'past'));
  archived = new ArchivedDatabase(folder);
  dropped = null;
});
afterEach(() => {
  archived.close();
  states.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(question: ArchiveQuestion): Promise<ArchiveAnswer<unknown>> {
  if (question.op === 'settle') return { ok: true, value: null };
  if (question.op === dropped) {
    dropped = null;
    return { ok: false, code: 'too-old', message: 'dropped' };
  }
  return await archived.questions.answer(question);
}

function newReplicas(sizes: ChainSizes): Replicas {
  const rules = { root: '/root', dataDir: '/root', allowAnyAbsoluteDbPath: false };
  const parts = { archive: new Archive(ask), states, rules, isFenced: () => false, onRewound: () => {} };
  const numbers = new GenerationNumbers(makeGenerationsFolder(folder));
  return new Replicas({ timeMachine: new TimeMachine(parts), numbers, sizes });
}

/** The database as copies have it. */
function wanted(): Buffer {
  const bytes = readFileSync(archived.file);
  bytes.fill(2, 18, 20);
  return bytes;
}

test.each([1, 2])('copies of every age become equal, whatever happens: seed %i', async (seed) => {
  const random = wholeFrom(seed);
  const sizes = { framesOfGeneration: 30, advances: 25 };
  archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, data BLOB)'));
  let replicas = newReplicas(sizes);
  const copies: ModelCopy[] = [];
  for (let step = 0; step < 80; step++) {
    const kind = random(20);
    if (kind < 9) archived.commit(someWork(random));
    else if (kind === 9) archived.missed(someWork(random));
    else if (kind === 10) replicas = newReplicas(sizes);
    else if (kind === 11) dropped = (['changed-pages', 'materialise', 'resolve'] as const)[random(3)] ?? null;
    else if (kind < 14 && copies.length < 6) {
      const copy = new ModelCopy();
      const read = (path: string) => readFile(path);
      await copy.bootstrap(replicas, target, read).catch(() => {});
      if (copy.generation > 0) copies.push(copy);
    } else {
      const copy = copies[random(copies.length || 1)];
      const most = random(3) === 0 ? 1 + random(3) : Number.POSITIVE_INFINITY;
      const isDone = await copy?.pull(replicas, target, most).catch((error) => {
        if (!isToldToTryAgain(error)) throw error;
        return false;
      });
      if (isDone) expect([step, copy?.image.equals(wanted())]).toEqual([step, true]);
    }
  }
  dropped = null;
  expect(copies.length).toBeGreaterThan(1);
  for (const copy of copies) {
    while (!(await copy.pull(replicas, target, Number.POSITIVE_INFINITY)));
    expect(copy.image.equals(wanted())).toBe(true);
  }
});

describe('a copy', () => {
  const sizes = { framesOfGeneration: 10, advances: 1_000 };

  test('goes on with a new generation without an image, and a copy that is late gets all that it missed', async () => {
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, data BLOB)'));
    const replicas = newReplicas(sizes);
    const [copy, late] = [new ModelCopy(), new ModelCopy()];
    for (const one of [copy, late]) await one.bootstrap(replicas, target, (path) => readFile(path));
    const began = copy.generation;
    for (let row = 0; row < 40; row++) {
      archived.commit((db) => db.prepare('INSERT INTO a (data) VALUES (?)').run(Buffer.alloc(3000, row)));
      await copy.pull(replicas, target, Number.POSITIVE_INFINITY);
    }
    expect(copy.generation).toBeGreaterThan(began + 2);
    expect(copy.frames).toBeLessThan(30);
    await late.pull(replicas, target, Number.POSITIVE_INFINITY);
    expect([late.generation, late.frames]).toEqual([copy.generation, copy.frames]);
    expect(late.image.equals(wanted())).toBe(true);
  });

  test('is told to sync again, and of no new generation, in the middle of a transaction that is lost', async () => {
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY, data BLOB)'));
    const replicas = newReplicas(sizes);
    const copy = new ModelCopy();
    await copy.bootstrap(replicas, target, (path) => readFile(path));
    archived.commit((db) => {
      for (let row = 0; row < 300; row++) db.prepare('INSERT INTO a (data) VALUES (?)').run(Buffer.alloc(3000, row));
    });
    const { generation } = copy;
    const ask = (next: number) => replicas.frames(target, { generation, next, end: next + 128 }, deadlineMs());
    expect(await ask(1)).toMatchObject({ frames: expect.toSatisfy((frames: Buffer) => frames.length === 128 * 4120) });
    dropped = 'changed-pages';
    for (let tries = 0; tries < 2; tries++) {
      await expect(ask(129)).rejects.toMatchObject({ message: expect.stringMatching(/sync again/) });
    }
    expect(await copy.pull(replicas, target, Number.POSITIVE_INFINITY)).toBe(true);
    expect(copy.image.equals(wanted())).toBe(true);
  });

  test('is refused where it has more than there ever was', async () => {
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY)'));
    const replicas = newReplicas(sizes);
    const generation = (await replicas.generation(target, deadlineMs())) + 1;
    const asked = replicas.frames(target, { generation, next: 1, end: 129 }, deadlineMs());
    await expect(asked).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/delete the copy/) });
  });

  test('that claims frames of the newest generation which nobody got begins anew', async () => {
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY)'));
    const replicas = newReplicas(sizes);
    const generation = await replicas.generation(target, deadlineMs());
    const given = await replicas.frames(target, { generation, next: 77, end: 205 }, deadlineMs());
    expect(given).toEqual({ generation: expect.toSatisfy((number: number) => number > generation) });
  });

  test('needs pages of 4,096 bytes', async () => {
    archived.close();
    rmSync(archived.file);
    archived = new ArchivedDatabase(join(folder, 'past', '..'), { pageBytes: 8192 });
    archived.commit((db) => db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY)'));
    const asked = newReplicas(sizes).generation(target, deadlineMs());
    await expect(asked).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/page_size=4096/) });
  });
});

test('numbers of generations are never given twice, by however many processes, and few are kept', async () => {
  const path = makeGenerationsFolder(folder);
  const given: number[] = [];
  for (let round = 0; round < 30; round++) {
    const several = [new GenerationNumbers(path), new GenerationNumbers(path), new GenerationNumbers(path)];
    given.push(...(await Promise.all(several.map((numbers) => numbers.next()))));
  }
  expect(new Set(given).size).toBe(90);
  expect((await readdir(path)).length).toBeLessThan(80);
  expect(await new GenerationNumbers(path).next()).toBeGreaterThan(Math.max(...given));
});
