import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ApiError } from '../../../../server/messages/errors.ts';
import { makePastFolder } from '../../../../server/process/time-machine/past-states.ts';
import { UnfinishedForks } from '../../../../server/process/time-machine/unfinished-forks.ts';

let folder: string;
const remove = vi.fn<(path: string, name: string) => Promise<void>>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-unfinished-'));
  remove.mockReset().mockResolvedValue();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const forks = () => new UnfinishedForks(folder, remove, () => {});
const forked = (work: (name: string) => Promise<string>) => forks().with('/data/new.db', work);
const nothingLeft = () => vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), 10_000);

test('the name is noted while the database is made, and not afterwards', async () => {
  const answer = await forked(async (name) => {
    expect(name).toMatch(/^\.new-[0-9a-f]{24}$/);
    const notes = readdirSync(folder);
    expect(notes).toEqual([`${name.slice('.new-'.length)}.unfinished`]);
    expect(readFileSync(join(folder, notes[0] ?? ''), 'utf8')).toBe('/data/new.db');
    return 'made';
  });
  expect(answer).toBe('made');
  await nothingLeft();
  expect(remove).not.toHaveBeenCalled();
});

test('what did not become a database is removed, whoever has died', async () => {
  let given = '';
  await expect(
    forked(async (name) => {
      given = name;
      throw new Error('the executor died');
    }),
  ).rejects.toThrow('the executor died');
  await nothingLeft();
  expect(remove.mock.calls).toEqual([['/data/new.db', given]]);
});

test('the next process removes what one that was killed has left, unless its directory is gone', async () => {
  const names = ['a', 'b'].map((letter) => letter.repeat(24));
  for (const id of names) writeFileSync(join(folder, `${id}.unfinished`), `/data/${id}.db`);
  writeFileSync(join(folder, 'else'), '');
  remove.mockRejectedValueOnce(new ApiError('DATABASE_NOT_FOUND', 'database not found', { status: 404 }));
  forks().sweep();
  await vi.waitFor(() => expect(readdirSync(folder)).toEqual(['else']), 10_000);
  expect(remove.mock.calls).toEqual(names.map((id) => [`/data/${id}.db`, `.new-${id}`]));
});

test('a note stays as long as nothing could be removed', async () => {
  writeFileSync(join(folder, `${'a'.repeat(24)}.unfinished`), '/data/a.db');
  const log = vi.fn();
  remove.mockRejectedValue(new ApiError('SERVICE_UNAVAILABLE', 'there is no executor'));
  new UnfinishedForks(folder, remove, log).sweep();
  await vi.waitFor(() => expect(log).toHaveBeenCalledOnce(), 10_000);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('the folder of a process gets the notes of those that are gone, and nothing else of theirs', async () => {
  // A zombie: its parent never asks for it. A shell does, so the child ends when the shell has become `sleep`.
  const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout as Readable, 'data')) as [Buffer];
  const gone = Number(String(line));
  const isSleeping = () => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
  await vi.waitFor(isSleeping, 10_000);
  (parent.stdio[3] as Writable).end();
  await vi.waitFor(() => expect(readFileSync(`/proc/${gone}/stat`, 'utf8')).toContain(') Z '), 10_000);
  const [own, other] = ['a'.repeat(24), 'b'.repeat(24)].map((id) => `${id}.unfinished`);
  for (const [pid, note] of [
    [process.pid, own],
    [gone, other],
  ]) {
    const past = join(folder, 'past', `${pid}`);
    mkdirSync(past, { recursive: true });
    for (const name of [note ?? '', 'state']) writeFileSync(join(past, `${name}`), '');
  }
  expect(readdirSync(makePastFolder(folder)).sort()).toEqual([own, other]);
  expect(readdirSync(join(folder, 'past'))).toEqual([`${process.pid}`]);
});
