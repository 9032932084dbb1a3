// What commands and the server ask of the tier in RAM, and the answers.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlushAnswer, PreparedMove, RamMove, RamMoved, TierStatus } from '../../fs/index.ts';
import { messageOf } from '../errors.ts';
import type { MountService } from '../mount/mount-service.ts';
import { AbsentDatabase, BusyDatabase, type PendingMove, type PendingMoves } from './pending.ts';
import type { Moved, Ramdisk } from './ramdisk.ts';
import type { TierName } from './tier-names.ts';

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
  /** Moves that wait until no program has the database open any more, by path. */
  readonly pending: Readonly<Record<string, PendingMove & { readonly holders: readonly Holder[] }>>;
}

/** A program that has a database open. */
export interface Holder {
  readonly pid: number;
  readonly command: string;
}

/** `holders`: they have it open, and it moves when they have closed it. */
export type SetTier = Moved & { readonly holders: readonly Holder[] };

const emptyList: Omit<TierList, 'directory'> = {
  globs: [],
  chosen: {},
  pending: {},
  databases: [],
  refused: {},
  ownBytes: 0,
  usedBytes: 0,
  sizeBytes: 0,
};

export type TierAnswer<Value> = { readonly ok: true; readonly value: Value } | TierRefusal;

export interface TierRefusal {
  readonly ok: false;
  /** `off`: no database can be in RAM. */
  readonly code: 'off' | 'refused';
  readonly message: string;
}

/** The tier while nothing is in RAM. */
export interface RamdiskOpening {
  /** Of the tmpfs, which may not be mounted yet. */
  readonly directory: string;
  /** Why no database can be in RAM. */
  readonly obstacle: string | undefined;
  /** While the daemon runs. Programs wait for a moment. @throws Error that says why no database can be in RAM */
  open(): Promise<Ramdisk>;
}

interface TierParts {
  readonly data: string;
  readonly ramdisk: Ramdisk | undefined;
  /** undefined without a mount. */
  readonly ramdiskOpening: RamdiskOpening | undefined;
  readonly pendingMoves: PendingMoves | undefined;
  readonly mounted: { readonly service: MountService } | undefined;
}

export async function answerOfTier(
  parts: TierParts,
  request: TierRequest,
): Promise<TierAnswer<TierList | SetTier | FlushAnswer | PreparedMove>> {
  const { mounted } = parts;
  try {
    const ramdisk = parts.ramdisk ?? (isForRam(request, parts) ? await parts.ramdiskOpening?.open() : undefined);
    const { pendingMoves } = parts;
    if (ramdisk === undefined || pendingMoves === undefined) return withoutRamdisk(parts, request);
    if (request.op === 'list') return { ok: true, value: await listOf(ramdisk, pendingMoves) };
    if (request.op === 'flush') return flushed(await ramdisk.service.flush(request.database));
    if (request.op === 'keep') return await kept(await ramdisk.service.keep(request.database, request.copy), mounted);
    return { ok: true, value: await setTier(ramdisk, pendingMoves, mounted, request.database, request.tier) };
  } catch (error) {
    return { ok: false, code: 'refused', message: messageOf(error) };
  }
}

/** The choice of a database that is there. */
function isForRam(request: TierRequest, { data }: TierParts): boolean {
  return request.op === 'set' && request.tier === 'ram' && existsSync(join(data, request.database));
}

/** Nothing is in RAM, and nothing is mounted for it. */
function withoutRamdisk(
  { data, ramdiskOpening }: TierParts,
  request: TierRequest,
): TierAnswer<TierList | SetTier | FlushAnswer> {
  const obstacle = ramdiskOpening === undefined ? 'databases in RAM need a mount' : ramdiskOpening.obstacle;
  if (obstacle !== undefined) return { ok: false, code: 'off', message: `no database can be in RAM: ${obstacle}` };
  const refused = (message: string) => ({ ok: false, code: 'refused', message }) as const;
  if (request.op === 'list') return { ok: true, value: { ...emptyList, directory: ramdiskOpening?.directory ?? '' } };
  if (request.op === 'keep') return refused('nothing is to be decided about it');
  if (request.op === 'flush') {
    return request.database === undefined ? { ok: true, value: { behind: {} } } : refused('it is not in RAM');
  }
  const { database } = request;
  if (!existsSync(join(data, database))) return refused(messageOf(new AbsentDatabase(database)));
  return { ok: true, value: { database, tier: 'disk', isMoved: false, holders: [] } };
}

/** At once, or when the last program has closed the database. */
async function setTier(
  ramdisk: Ramdisk,
  pendingMoves: PendingMoves,
  mounted: TierParts['mounted'],
  database: string,
  tier: TierName,
): Promise<SetTier> {
  const chosen = () => {
    ramdisk.choices.set(database, tier);
    tellFs(ramdisk, mounted);
  };
  pendingMoves.remove(database); // an earlier wish
  try {
    const moved = await ramdisk.move(database, tier, (move) => askFsToMove({ mounted }, move));
    chosen();
    return { ...moved, holders: [] };
  } catch (error) {
    if (!(error instanceof BusyDatabase)) throw error;
    chosen();
    pendingMoves.add(database, { tier, cause: 'chosen', pids: error.pids });
    return { database, tier, isMoved: false, holders: holdersOf(error.pids) };
  }
}

/** What was chosen, and whether there is room. */
export function tellFs({ options: { chosen, isFull } }: Ramdisk, mounted: TierParts['mounted']): void {
  mounted?.service.process.send({ type: 'ram-chosen', choices: { chosen, ...(isFull !== undefined && { isFull }) } });
}

function holdersOf(pids: readonly number[]): Holder[] {
  return pids.map((pid) => ({ pid, command: commandOf(pid) }));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'a program';
  }
}

async function listOf(ramdisk: Ramdisk, { all }: PendingMoves): Promise<TierList> {
  const status = await ramdisk.status();
  if (status === undefined) throw new Error('the tier process does not answer: see hoody-sqlite status');
  const withNames = Object.entries(all).map(([path, move]) => [path, { ...move, holders: holdersOf(move.pids) }]);
  const pending = Object.fromEntries(withNames) as TierList['pending'];
  return {
    directory: ramdisk.directory,
    globs: ramdisk.options.globs,
    chosen: ramdisk.choices.all,
    pending,
    ...status,
  };
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
