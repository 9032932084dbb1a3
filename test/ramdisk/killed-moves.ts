// Kills processes of the daemon while a large database moves between RAM and disk, at any moment of the move, beside
// programs that write and read it whenever it may be opened. Nothing that was acknowledged is lost. A program sees an
// error only where the document says so: when everything is killed, and then it is killed as well.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Daemon, type DaemonPaths, pidOf, startDaemon, whenReady, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { killEach, type Started } from '../helpers/process.ts';
import { query } from '../survival/load.ts';
import { closed, errorsOf, fill, moreFrom, name, placeOf, programOf, readers, say, writers } from './paused-moves.ts';
import { killAll, ramFlags } from './rounds.ts';

export type Victim = 'fs' | 'tier' | 'supervisor' | 'all';

const patience = { timeoutMs: 60_000 };
const counts = 'select client, count(*), max(n), count(distinct n) from t group by client';

/** Resolves with one line for each round. */
export async function moveUnderKills(victim: Victim, sizeBytes: number, rounds: number): Promise<readonly string[]> {
  const told: string[] = [];
  await withPaths(async (paths) => {
    const run = new Run(paths, victim);
    try {
      await run.begin(sizeBytes);
      for (let round = 1; round <= rounds; round++) told.push(await run.round(round));
      await run.end();
    } finally {
      await run.close();
    }
  });
  return told;
}

class Run {
  readonly #paths: DaemonPaths;
  readonly #victim: Victim;
  /** By the name under which each writes, all that there were. */
  readonly #programs = new Map<string, Started>();
  #current: readonly Started[] = [];
  #started: Started | undefined;
  #daemon: Daemon | undefined;
  /** How long a move takes that nobody disturbs, from the last close. */
  #moveMs = 0;

  constructor(paths: DaemonPaths, victim: Victim) {
    this.#paths = paths;
    this.#victim = victim;
  }

  async begin(sizeBytes: number): Promise<void> {
    const daemon = await this.#start();
    fill(daemon, sizeBytes);
    this.#startPrograms(0);
    for (const to of ['disk', 'ram'] as const) {
      const sinceMs = await this.#askedAndClosed(daemon, to);
      await isIn(daemon, to);
      this.#moveMs = Math.max(this.#moveMs, performance.now() - sinceMs);
      this.#goOn();
    }
  }

  /** A kill in the middle of one move; then the move ends, or is asked for again. */
  async round(round: number): Promise<string> {
    let daemon = this.#running;
    const from = await knownPlaceOf(daemon);
    const to = from === 'ram' ? 'disk' : 'ram';
    await this.#askedAndClosed(daemon, to);
    const killedAtMs = Math.random() * this.#moveMs;
    const opensFirst = round % 3 === 0;
    await delay(opensFirst ? killedAtMs / 2 : killedAtMs);
    if (opensFirst) this.#goOn();
    if (opensFirst) await delay(killedAtMs / 2);
    const where = await placeOf(daemon).catch(() => 'unknown');
    await this.#kill(daemon);
    daemon = this.#running;
    if (this.#victim === 'all') this.#startPrograms(round);
    else if (!opensFirst) this.#goOn();
    for (const program of this.#current) await moreFrom(program);
    this.#expectNoErrors();
    if ((await knownPlaceOf(daemon)) !== to) {
      await this.#askedAndClosed(daemon, to);
      await isIn(daemon, to);
      this.#goOn();
    }
    const opened = opensFirst ? ', opened before' : '';
    return `${this.#victim} killed after ${Math.round(killedAtMs)} ms of a move to ${to} (was in ${where}${opened})`;
  }

  async end(): Promise<void> {
    for (const program of this.#current) await moreFrom(program);
    await this.#endPrograms();
    this.#expectNoErrors();
    const daemon = this.#running;
    const flushed = (await knownPlaceOf(daemon)) === 'ram' ? await daemon.command('tier', 'flush') : { stderr: '' };
    expect(flushed.stderr).toBe('');
    for (const file of [join(daemon.root, name), join(daemon.data, name)]) this.#check(file);
  }

  async close(): Promise<void> {
    await this.#endPrograms();
    this.#started?.process.kill('SIGTERM');
    const timer = setTimeout(() => this.#started?.process.kill('SIGKILL'), 60_000);
    await this.#started?.exited;
    clearTimeout(timer);
  }

  get #running(): Daemon {
    if (this.#daemon === undefined) throw new Error('no daemon runs');
    return this.#daemon;
  }

  async #start(): Promise<Daemon> {
    this.#started = startDaemon(this.#paths, ramFlags(this.#paths));
    this.#daemon = await whenReady(this.#started, this.#paths);
    return this.#daemon;
  }

  /** Resolves with the time at which the last program has closed it. */
  async #askedAndClosed(daemon: Daemon, to: 'ram' | 'disk'): Promise<number> {
    for (const program of this.#current) await moreFrom(program);
    const path = `/api/v1/sqlite/db/tier?db=${name}&tier=${to}`;
    await eventually(async () => {
      const { status, text } = await request(`${daemon.url}${path}`, 'POST');
      expect([200, 202], text).toContain(status);
    }, patience);
    await closed(this.#current);
    return performance.now();
  }

  async #kill(daemon: Daemon): Promise<void> {
    if (this.#victim === 'fs' || this.#victim === 'tier') {
      killEach([await pidOf(daemon, this.#victim)]);
      return;
    }
    if (this.#victim === 'all') {
      await killAll(this.#paths);
      for (const program of this.#current) program.process.kill('SIGKILL');
      await Promise.all(this.#current.map((program) => program.finished));
    } else killEach([daemon.pid]);
    await this.#started?.exited;
    await this.#start();
  }

  #startPrograms(generation: number): void {
    this.#current = [...writers, ...readers].map((letter) => {
      const what = writers.includes(letter) ? 'write' : 'read';
      const program = programOf(this.#running, `${letter}${generation}`, what);
      if (what === 'write') this.#programs.set(`${letter}${generation}`, program);
      return program;
    });
  }

  #goOn(): void {
    for (const program of this.#current) say(program, 'go');
  }

  #expectNoErrors(): void {
    for (const program of this.#current) expect([program.stderr(), errorsOf(program)]).toEqual(['', null]);
  }

  async #endPrograms(): Promise<void> {
    for (const program of this.#current) program.process.stdin?.end('end\n');
    await Promise.all(this.#current.map((program) => program.finished));
  }

  /** The rows of each writer are its first ones: all that were acknowledged, and at most one more if it was killed. */
  #check(file: string): void {
    expect(query(file, 'pragma integrity_check'), file).toBe('ok');
    const found = new Map(
      query(file, counts)
        .split('\n')
        .map((line) => line.split('|'))
        .map(([client = '', ...numbers]) => [client, numbers.map(Number)]),
    );
    for (const [client, program] of this.#programs) {
      const [rows = 0, most = 0, distinct = 0] = found.get(client) ?? [];
      expect({ client, most, distinct }).toEqual({ client, most: rows, distinct: rows });
      const acknowledged = Number([...program.stdout().matchAll(/ack (\d+)\n/g)].at(-1)?.[1] ?? 0);
      expect(rows - acknowledged, `${file}: ${client}`).toBeGreaterThanOrEqual(0);
      expect(rows - acknowledged, `${file}: ${client}`).toBeLessThanOrEqual(1);
    }
  }
}

/** As soon as there is a tier process that can say it. */
function knownPlaceOf(daemon: Daemon): Promise<'ram' | 'disk'> {
  return eventually(() => placeOf(daemon), patience);
}

async function isIn(daemon: Daemon, tier: 'ram' | 'disk'): Promise<void> {
  await eventually(async () => expect(await placeOf(daemon), daemon.stderr()).toBe(tier), patience);
}
