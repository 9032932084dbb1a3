// The tier in RAM as the supervisor runs it: the tmpfs, the choices, the tier process, and moves of databases between
// RAM and disk.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  chooserOf,
  inspectFuse,
  type RamdiskOptions,
  type RamMove,
  type RamMoved,
  type TierStatus,
} from '../../fs/index.ts';
import type { Settings } from '../config/options.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { Choices } from './choices.ts';
import { AbsentDatabase, BusyDatabase } from './pending.ts';
import { defaultRamdisk, planRamdisk, type RamdiskPlan } from './plan.ts';
import type { TierName } from './tier-names.ts';
import { TierService } from './tier-service.ts';
import { lookAt, mountTmpfs, sizeForRamdisk } from './tmpfs.ts';

const hiddenFolder = '.hoody-sqlite';
/** A database that is written all the time is copied once more for each of these. */
const moveTries = 50;
const moveRetryMs = 20;

export interface Moved {
  readonly database: string;
  readonly tier: TierName;
  /** False: it was there already. */
  readonly isMoved: boolean;
}

export class Ramdisk {
  readonly service: TierService;
  readonly choices: Choices;
  readonly directory: string;
  readonly root: string;
  /** There is too little room: new databases begin on the disk. */
  isFull = false;
  readonly #settings: Settings;
  readonly #data: string;

  constructor(directory: string, data: string, choices: Choices, settings: Settings, log: Log) {
    this.directory = directory;
    this.choices = choices;
    this.#settings = settings;
    this.#data = data;
    this.root = rootFor(directory, data);
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    this.service = new TierService({
      options: () => ({
        dataDir: data,
        root: this.root,
        globs: settings.ram,
        chosen: choices.all,
        lagMs: settings.ramdiskLagMs,
        maxBytes: settings.ramdiskMaxBytes,
      }),
      log,
    });
  }

  /** For the fs process, which may be told another `chosen` or `isFull` later. */
  get options(): RamdiskOptions {
    return { root: this.root, globs: this.#settings.ram, chosen: this.choices.all, isFull: this.isFull };
  }

  /** Moves that are due since the last start: what lies elsewhere than it was chosen. @throws Error as #inRam */
  async misplaced(): Promise<readonly (readonly [path: string, tier: TierName])[]> {
    const present = await this.#inRam();
    const isChosen = chooserOf(this.#settings.ram, () => this.choices.all);
    const isOnDisk = (path: string) => !present.has(path) && existsSync(join(this.#data, path));
    const toRam = Object.keys(this.choices.all).filter((path) => isChosen(path) && isOnDisk(path));
    return [
      ...[...present].filter((path) => !isChosen(path)).map((path) => [path, 'disk'] as const),
      ...toRam.map((path) => [path, 'ram'] as const),
    ];
  }

  status(): Promise<TierStatus | undefined> {
    return this.service.status();
  }

  /** By their paths. @throws Error where the tier process does not say: what is not known is not on the disk */
  async #inRam(): Promise<ReadonlySet<string>> {
    const status = await this.status();
    if (status === undefined) throw new Error('the tier process does not answer: try again');
    return new Set(status.databases.map(({ path }) => path));
  }

  /** @throws Error that says who has it open, or why it cannot be moved */
  async move(path: string, to: TierName, askFs: (move: RamMove) => Promise<RamMoved>): Promise<Moved> {
    // Nothing is copied for a database that cannot be moved. Without stamps nothing moves.
    const looked = await askFs({ path, to, stamps: [] });
    if (looked.result === 'busy') throw new BusyDatabase(path, looked.pids);
    for (let tries = 0; ; tries++) {
      const isInRam = (await this.#inRam()).has(path);
      if (isInRam === (to === 'ram')) return { database: path, tier: to, isMoved: false };
      if (!isInRam && !existsSync(join(this.#data, path))) throw new AbsentDatabase(path);
      const prepared = await this.service.prepare(path, to);
      if (!prepared.ok) throw new Error(`${path} is not moved: ${prepared.reason}`);
      const moved = await askFs({ path, to, stamps: prepared.stamps });
      if (moved.result === 'moved') return { database: path, tier: to, isMoved: true };
      if (moved.result === 'already') return { database: path, tier: to, isMoved: false };
      if (moved.result === 'busy') throw new BusyDatabase(path, moved.pids);
      if (moved.result === 'absent') throw new AbsentDatabase(path);
      if (moved.result === 'failed') throw new Error(`${path} is not moved: errno ${moved.errno}`);
      if (tries === moveTries) throw new Error(`${path} is not moved: programs change it all the time`);
      await delay(moveRetryMs);
    }
  }
}

/**
 * `isChosen`: a database is just being chosen for RAM. A text says why none can be there; undefined: nobody asks for
 * it, and no tmpfs is mounted.
 */
export function openRamdisk(
  settings: Settings,
  data: string,
  log: Log,
  isChosen: boolean,
): Ramdisk | string | undefined {
  const choices = new Choices(settings.stateDir);
  const plan = planOf(settings, data, isChosen || Object.values(choices.all).includes('ram'));
  if (plan.action === 'none') return plan.reason;
  try {
    if (plan.action === 'mount') {
      const sizeBytes = sizeForRamdisk();
      mountTmpfs(plan.directory, sizeBytes);
      log.info('ramdisk-mounted', { directory: plan.directory, sizeBytes });
    }
    return new Ramdisk(plan.directory, data, choices, settings, log);
  } catch (error) {
    return `${plan.directory} cannot be used: ${messageOf(error)}`;
  }
}

/** Where databases in RAM lie, or would lie. */
export function ramdiskDirectory({ ramdisk }: Settings): string {
  return ramdisk === 'auto' || ramdisk === 'off' ? defaultRamdisk : ramdisk;
}

/** Why no database can be in RAM; undefined: nothing speaks against it. */
export function obstacleToRam(settings: Settings, data: string): string | undefined {
  const plan = planOf(settings, data, true);
  return plan.action === 'none' ? plan.reason : undefined;
}

function planOf(settings: Settings, data: string, isAskedFor: boolean): RamdiskPlan {
  const directory = ramdiskDirectory(settings);
  return planRamdisk({
    wanted: settings.ramdisk,
    // Files that were left in RAM are newer than their durable copies, whatever is asked for now.
    isAskedFor: isAskedFor || settings.ram.length > 0 || existsSync(rootFor(directory, data)),
    directory: lookAt(directory),
    mayMount: inspectFuse().mayMount,
    obstacle: obstacleIn(settings),
  });
}

/** The folder on the tmpfs for one data directory. */
function rootFor(directory: string, data: string): string {
  return join(directory, hiddenFolder, createHash('sha256').update(data).digest('hex').slice(0, 16));
}

function obstacleIn({ noMount, locks, locksKernel, passthrough }: Settings): string | undefined {
  if (noMount) return 'databases in RAM need a mount, and --no-mount is given';
  if (locks === 'kernel') return 'databases in RAM need coordinated locks, and --locks kernel is given';
  if (locksKernel.length > 0) return 'databases in RAM need coordinated locks, and --locks-kernel is given';
  if (passthrough === 'off') return 'databases in RAM need passthrough, and --passthrough off is given';
  return undefined;
}
