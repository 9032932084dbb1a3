// Files on their way: what is refused, and what is left of processes that were killed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiveFile, TemporaryFiles } from '../../../server/process/temporary-files.ts';

let folder: string;
const before = process.env.TMPDIR;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-temporary-'));
  process.env.TMPDIR = folder;
});
afterAll(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

const mebibyte = Buffer.alloc(1024 * 1024);
const receive = (chunks: number, expectedBytes: number, spare: () => number) => {
  const path = join(folder, `received-${Math.random()}`);
  const source = Readable.from(Array.from({ length: chunks }, () => mebibyte));
  return receiveFile(source, { path, maxBytes: 100 * mebibyte.length, expectedBytes, spare });
};

test('a file that would fill the disk is refused: by what the client says, or as it comes', async () => {
  const refused = expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('TMPDIR') });
  let left = 30 * mebibyte.length;
  await expect(receive(1, 31 * mebibyte.length, () => left)).rejects.toEqual(refused);
  await receive(20, 20 * mebibyte.length, () => left);
  // Others write, too.
  const shrinking = () => {
    left -= 10 * mebibyte.length;
    return left;
  };
  await expect(receive(90, 0, shrinking)).rejects.toEqual(refused);
  await expect(receive(101, 0, () => 1e12)).rejects.toThrow(/at most 104857600 bytes/);
});

test('a start removes what killed processes of the same data directory left, and nothing else', () => {
  const [own, other] = ['own', 'other'].map((name) => new TemporaryFiles(mkdtempSync(join(folder, name)))) as [
    TemporaryFiles,
    TemporaryFiles,
  ];
  const ended = spawnSync('true').pid;
  const mine = own.path();
  const start = /-(\d+)\.(\d+)-/.exec(basename(mine)) as RegExpExecArray;
  const killed = mine.replace(start[0], `-${ended}.${start[2]}-`);
  const reused = mine.replace(start[0], `-${process.pid}.1-`);
  const kept = [
    mine,
    other.path(),
    other.path().replace(start[0], `-${ended}.1-`),
    join(folder, 'hoody-sqlite-file-x'),
  ];
  for (const path of [killed, reused, ...kept]) writeFileSync(path, 'x');
  own.sweep();
  expect([killed, reused].filter((path) => existsSync(path))).toEqual([]);
  expect(kept.filter((path) => !existsSync(path))).toEqual([]);
  expect(readFileSync(mine, 'utf8')).toBe('x');
  expect(readdirSync(folder).filter((name) => name.startsWith('hoody-sqlite-file-'))).toHaveLength(4);
});
