// A database that programs have open all the time stays where it is, and `tier set` names them. It moves as soon as all
// of them have closed it, and they go on with it elsewhere: nothing is lost, and nobody gets an error.
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { type Daemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { type Started, start } from '../helpers/process.ts';
import { query } from '../survival/load.ts';
import { withRamDaemon } from './rounds.ts';

export const name = 'app.db';
const script = resolve(import.meta.dirname, 'pauses.py');
export const writers = ['a', 'b', 'c', 'd'];
export const readers = ['e', 'f'];
const patience = { timeoutMs: 60_000 };

/** Of so many bytes; each move goes both ways. Resolves with how long single moves took, in milliseconds. */
export async function moveInPauses(sizeBytes: number, moves: number): Promise<readonly number[]> {
  const tookMs: number[] = [];
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      fill(daemon, sizeBytes);
      const programs = [
        ...writers.map((client) => programOf(daemon, client, 'write')),
        ...readers.map((client) => programOf(daemon, client, 'read')),
      ];
      try {
        for (let move = 0; move < moves; move++) {
          for (const to of ['disk', 'ram'] as const) {
            for (const program of programs) await moreFrom(program);
            await isRefused(daemon, to, programs);
            await closed(programs);
            const sinceMs = performance.now();
            await isIn(daemon, to);
            tookMs.push(Math.round(performance.now() - sinceMs));
            for (const program of programs) say(program, 'go');
          }
        }
        for (const program of programs) await moreFrom(program);
      } finally {
        for (const program of programs) program.process.stdin?.end('end\n');
        await Promise.all(programs.map((program) => program.finished));
      }
      for (const program of programs) expect([program.stderr(), errorsOf(program)]).toEqual(['', null]);
      expect((await daemon.command('tier', 'flush')).stderr).toBe('');
      const rows = writers.map((client, at) => [client, ...Array(3).fill(ackOf(programs[at]))].join('|')).join('\n');
      for (const file of [join(daemon.root, name), join(paths.data, name)]) {
        const sql = 'select client, count(*), max(n), count(distinct n) from t group by client order by client';
        expect(query(file, `pragma integrity_check; ${sql}`), file).toBe(`ok\n${rows}`);
      }
    });
  });
  return tookMs;
}

export function fill(daemon: Daemon, sizeBytes: number): void {
  query(
    join(daemon.root, name),
    `pragma journal_mode=wal; create table t (client text, n integer); create index byClient on t (client, n);
     create table filling (bytes);
     with recursive c(n) as (select 1 union all select n + 1 from c where n < ${Math.ceil(sizeBytes / 100_000)})
       insert into filling select randomblob(100000) from c`,
  );
}

export function programOf(daemon: Daemon, client: string, what: 'write' | 'read'): Started {
  return start('python3', [script, join(daemon.root, name), client, what]);
}

/** All of them have it open, and are named; it is where it was. */
async function isRefused(daemon: Daemon, to: 'ram' | 'disk', programs: readonly Started[]): Promise<void> {
  const { status, text } = await request(`${daemon.url}/api/v1/sqlite/db/tier?db=${name}&tier=${to}`, 'POST');
  const { moved, holders } = JSON.parse(text) as { moved: boolean; holders: { pid: number; command: string }[] };
  expect([status, moved], text).toEqual([202, false]);
  const named = holders.filter(({ command }) => command === 'python3').map(({ pid }) => pid);
  expect(named.sort(), text).toEqual(programs.map(({ pid }) => pid).sort());
  expect(await placeOf(daemon)).toBe(to === 'ram' ? 'disk' : 'ram');
  for (const program of programs) await moreFrom(program);
}

export async function closed(programs: readonly Started[]): Promise<void> {
  const before = programs.map(closesOf);
  for (const program of programs) say(program, 'close');
  await eventually(() => expect(programs.map(closesOf)).toEqual(before.map((count) => count + 1)), patience);
}

export async function isIn(daemon: Daemon, tier: 'ram' | 'disk'): Promise<void> {
  await eventually(async () => expect(await placeOf(daemon), daemon.stderr()).toBe(tier), patience);
}

export async function placeOf(daemon: Daemon): Promise<'ram' | 'disk'> {
  const { text } = await request(`${daemon.url}/api/v1/sqlite/db/tier`, 'GET');
  const { databases } = JSON.parse(text) as { databases: { name: string }[] };
  return databases.some((database) => database.name === name) ? 'ram' : 'disk';
}

export function say(program: Started, line: string): void {
  program.process.stdin?.write(`${line}\n`);
}

function closesOf(program: Started): number {
  return program.stdout().split('closed\n').length - 1;
}

export function errorsOf(program: Started): string | null {
  return /^ERR .*$/m.exec(program.stdout())?.[0] ?? null;
}

function ackOf(program: Started | undefined): number {
  const output = program?.stdout() ?? '';
  return Number(/ack (\d+)\n(?:closed\n)?$/.exec(output)?.[1] ?? 0);
}

export async function moreFrom(program: Started): Promise<void> {
  const before = program.stdout().length;
  const more = () => expect(program.stdout().slice(before), program.stderr()).toMatch(/ack \d+\n/);
  await eventually(more, patience);
}
