// What commands and the server ask of the tier in RAM, and the answers.
import { readFileSync } from 'node:fs';
import type { FlushAnswer, PreparedMove, RamMove, RamMoved, TierStatus } from '../../fs/index.ts';
import { messageOf } from '../errors.ts';
import type { MountService } from '../mount/mount-service.ts';
import { BusyDatabase, type Moved, type Ramdisk } from './ramdisk.ts';

/** `database`: its path below the data directory. */
export type TierRequest =
  | { readonly op: 'list' }
  | { readonly op: 'set'; readonly database: string; readonly tier: 'ram' | 'disk' }
  | { readonly op: 'flush'; readonly database?: string }
  | { readonly op: 'keep'; readonly database: string; readonly copy: 'ram' | 'disk' };

export interface TierList extends TierStatus {
  readonly directory: string;
  readonly globs: readonly string[];
  readonly chosen: Readonly<Record<string, 'ram' | 'disk'>>;
}

export type TierAnswer<Value> = { readonly ok: true; readonly value: Value } | TierRefusal;

export interface TierRefusal {
  readonly ok: false;
  /** `off`: no database is in RAM. `busy`: programs have it open. */
  readonly code: 'off' | 'busy' | 'refused';
  readonly message: string;
}

interface TierParts {
  readonly ramdisk: Ramdisk | undefined;
  readonly mounted: { readonly service: MountService } | undefined;
}

export async function answerOfTier(
  { ramdisk, mounted }: TierParts,
  request: TierRequest,
): Promise<TierAnswer<TierList | Moved | FlushAnswer | PreparedMove>> {
  if (ramdisk === undefined) {
    return {
      ok: false,
      code: 'off',
      message: 'no database is in RAM: start the daemon with --ram GLOB or --ramdisk DIR',
    };
  }
  try {
    if (request.op === 'list') return { ok: true, value: await listOf(ramdisk) };
    if (request.op === 'flush') return flushed(await ramdisk.service.flush(request.database));
    if (request.op === 'keep') return await kept(await ramdisk.service.keep(request.database, request.copy), mounted);
    const moved = await ramdisk.move(request.database, request.tier, (move) => askFsToMove({ mounted }, move));
    ramdisk.choices.set(request.database, request.tier);
    mounted?.service.process.send({ type: 'ram-chosen', chosen: ramdisk.choices.all });
    return { ok: true, value: moved };
  } catch (error) {
    const isBusy = error instanceof BusyDatabase;
    const who = isBusy ? `: ${error.pids.map((pid) => `${commandOf(pid)} (pid ${pid})`).join(', ')}` : '';
    return { ok: false, code: isBusy ? 'busy' : 'refused', message: `${messageOf(error)}${who}` };
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'a program';
  }
}

async function listOf(ramdisk: Ramdisk): Promise<TierList> {
  const status = await ramdisk.status();
  if (status === undefined) throw new Error('the tier process does not answer: see hoody-sqlite status');
  return { directory: ramdisk.directory, globs: ramdisk.options.globs, chosen: ramdisk.choices.all, ...status };
}

export async function askFsToMove({ mounted }: Pick<TierParts, 'mounted'>, move: RamMove): Promise<RamMoved> {
  const fs = mounted?.service.process.current;
  if (fs === undefined) throw new Error('the fs process is being started: try again');
  return (await fs.query('ram-move', move)) as RamMoved;
}

function flushed(answer: FlushAnswer): TierAnswer<FlushAnswer> {
  const behind = Object.entries(answer.behind);
  if (behind.length === 0) return { ok: true, value: answer };
  const message = behind.map(([database, reason]) => `${database}: ${reason}`).join('; ');
  return { ok: false, code: 'refused', message: `not all durable copies are up to date: ${message}` };
}

async function kept(answer: PreparedMove, mounted: TierParts['mounted']): Promise<TierAnswer<PreparedMove>> {
  if (!answer.ok) return { ok: false, code: 'refused', message: answer.reason };
  await mounted?.service.reload(); // the next fs process looks at the files anew
  return { ok: true, value: answer };
}
