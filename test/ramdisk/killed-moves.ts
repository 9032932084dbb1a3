// Kills processes of the daemon while a large database moves between RAM and disk, at any moment or in each phase of
// the move, beside programs that write and read it whenever it may be opened. Nothing that was acknowledged is lost. A
// program sees an error only where the document says so: when everything is killed, and then it is killed as well.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Daemon, type DaemonPaths, pidOf, startDaemon, whenReady, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { killEach, type Started, signalIfThere } from '../helpers/process.ts';
import { query } from '../survival/load.ts';
import {
  closed,
  errorsOf,
  fill,
  isIn,
  moreFrom,
  name,
  placeOf,
  programOf,
  readers,
  say,
  writers,
} from './paused-moves.ts';
import { type Phase, phases, standingIn } from './phases.ts';
import { killAll, ramFlags } from './rounds.ts';

export type Victim = 'fs' | 'tier' | 'supervisor' | 'all';

const patience = { timeoutMs: 60_000 };
const counts = 'select client, count(*), max(n), count(distinct n) from t group by client';

/** Resolves with one line for each round. */
export function moveUnderKills(victim: Victim, sizeBytes: number, rounds: number): Promise<readonly string[]> {
  return withRun(sizeBytes, async (run, told) => {
    for (let round = 1; round <= rounds; round++) told.push(await run.round(victim, round));
  });
}

/** Each phase of a move, and in it the end of each of `victims`: `own` is the process whose phase it is. */
export function moveThroughPhases(
  victims: readonly ('own' | Victim)[],
  sizeBytes: number,
  only = phases,
): Promise<readonly string[]> {
  return withRun(sizeBytes, async (run, told) => {
    for (const victim of victims) {
      for (const phase of only) {
        told.push(await run.phase(victim === 'own' ? phase.process : victim, phase, told.length + 1));
      }
    }
  });
}

async function withRun(sizeBytes: number, act: (run: Run, told: string[]) => Promise<void>): Promise<string[]> {
  const told: string[] = [];
  await withPaths(async (paths) => {
    const run = new Run(paths);
    try {
      await run.begin(sizeBytes);
      await act(run, told);
      await run.end();
    } finally {
      await run.close();
    }
  });
  return told;
}

class Run {
  readonly #paths: DaemonPaths;
  /** By the name under which each writes, all that there were. */
  readonly #programs = new Map<string, Started>();
  #current: readonly Started[] = [];
  #started: Started | undefined;
  #daemon: Daemon | undefined;
  /** How long a move takes that nobody disturbs, from the last close. */
  #moveMs = 0;

  constructor(paths: DaemonPaths) {
    this.#paths = paths;
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
  async round(victim: Victim, round: number): Promise<string> {
    const daemon = this.#running;
    const from = await knownPlaceOf(daemon);
    const to = from === 'ram' ? 'disk' : 'ram';
    await this.#askedAndClosed(daemon, to);
    const killedAtMs = Math.random() * this.#moveMs;
    const opensFirst = round % 3 === 0;
    await delay(opensFirst ? killedAtMs / 2 : killedAtMs);
    if (opensFirst) this.#goOn();
    if (opensFirst) await delay(killedAtMs / 2);
    const where = await placeOf(daemon).catch(() => 'unknown');
    await this.#kill(victim, daemon);
    if (victim === 'all') this.#startPrograms(round);
    else if (!opensFirst) this.#goOn();
    await this.#complete(to);
    const opened = opensFirst ? ', opened before' : '';
    return `${victim} killed after ${Math.round(killedAtMs)} ms of a move to ${to} (was in ${where}${opened})`;
  }

  /** A kill in one phase of a move. While only the copier stands still, all programs go on in this moment. */
  async phase(victim: Victim, phase: Phase, round: number): Promise<string> {
    const daemon = this.#running;
    const { to } = phase;
    const sinceMs = performance.now();
    if ((await knownPlaceOf(daemon)) === to) await this.#complete(to === 'ram' ? 'disk' : 'ram');
    const [pid, copier] = await Promise.all([pidOf(daemon, phase.process), pidOf(daemon, 'tier')]);
    await this.#ask(daemon, to);
    const close = async () => {
      for (const program of this.#current) await moreFrom(program);
      await closed(this.#current);
    };
    await standingIn(phase, this.#paths, { pid, copier }, close, async () => {
      this.#goOn();
      if (phase.process === 'tier') for (const program of this.#current) await moreFrom(program);
      await this.#kill(victim, daemon, pid);
    });
    if (victim === 'all') this.#startPrograms(round);
    await this.#complete(to);
    const tookMs = Math.round(performance.now() - sinceMs);
    return `${victim} killed in the phase "${phase.name}" of a move to ${to}, ${tookMs} ms in all`;
  }

  /** Programs go on after a kill; then the move ends, or is asked for again. */
  async #complete(to: 'ram' | 'disk'): Promise<void> {
    for (const program of this.#current) await moreFrom(program);
    this.#expectNoErrors();
    const daemon = this.#running;
    if ((await knownPlaceOf(daemon)) === to) return;
    await this.#askedAndClosed(daemon, to);
    await isIn(daemon, to);
    this.#goOn();
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
    await this.#ask(daemon, to);
    await closed(this.#current);
    return performance.now();
  }

  async #ask(daemon: Daemon, to: 'ram' | 'disk'): Promise<void> {
    const path = `/api/v1/sqlite/db/tier?db=${name}&tier=${to}`;
    await eventually(async () => {
      const { status, text } = await request(`${daemon.url}${path}`, 'POST');
      expect([200, 202], text).toContain(status);
    }, patience);
  }

  /** `stopped` stands still. */
  async #kill(victim: Victim, daemon: Daemon, stopped?: number): Promise<void> {
    if (victim === 'fs' || victim === 'tier') {
      killEach([stopped ?? (await pidOf(daemon, victim))]);
      return;
    }
    if (victim === 'all') {
      await killAll(this.#paths);
      for (const program of this.#current) program.process.kill('SIGKILL');
      await Promise.all(this.#current.map((program) => program.finished));
    } else {
      killEach([daemon.pid]);
      if (stopped !== undefined) signalIfThere(stopped, 'SIGCONT');
    }
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
