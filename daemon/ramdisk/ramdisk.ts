// The tier in RAM as the supervisor runs it: the tmpfs, the choices, the tier process, and moves of databases between
// RAM and disk.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspectFuse, type RamdiskOptions, type RamMove, type RamMoved, type TierStatus } from '../../fs/index.ts';
import type { Settings } from '../config/options.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { Choices } from './choices.ts';
import { defaultRamdisk, planRamdisk } from './plan.ts';
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
  readonly #settings: Settings;

  constructor(directory: string, data: string, choices: Choices, settings: Settings, log: Log) {
    this.directory = directory;
    this.choices = choices;
    this.#settings = settings;
    this.root = join(directory, hiddenFolder, createHash('sha256').update(data).digest('hex').slice(0, 16));
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

  /** For the fs process. */
  get options(): RamdiskOptions {
    return { root: this.root, globs: this.#settings.ram, chosen: this.choices.all };
  }

  status(): Promise<TierStatus | undefined> {
    return this.service.status();
  }

  /** @throws Error that says who has it open, or why it cannot be moved */
  async move(path: string, to: TierName, askFs: (move: RamMove) => Promise<RamMoved>): Promise<Moved> {
    // Nothing is copied for a database that cannot be moved. Without stamps nothing moves.
    const looked = await askFs({ path, to, stamps: [] });
    if (looked.result === 'busy') throw new BusyDatabase(path, looked.pids);
    for (let tries = 0; ; tries++) {
      const isInRam = (await this.status())?.databases.some((known) => known.path === path) === true;
      if (isInRam === (to === 'ram')) return { database: path, tier: to, isMoved: false };
      const prepared = await this.service.prepare(path, to);
      if (!prepared.ok) throw new Error(`${path} is not moved: ${prepared.reason}`);
      const moved = await askFs({ path, to, stamps: prepared.stamps });
      if (moved.result === 'moved') return { database: path, tier: to, isMoved: true };
      if (moved.result === 'already') return { database: path, tier: to, isMoved: false };
      if (moved.result === 'busy') throw new BusyDatabase(path, moved.pids);
      if (moved.result === 'absent') throw new Error(`there is no database ${path}`);
      if (moved.result === 'failed') throw new Error(`${path} is not moved: errno ${moved.errno}`);
      if (tries === moveTries) throw new Error(`${path} is not moved: programs change it all the time`);
      await delay(moveRetryMs);
    }
  }
}

export class BusyDatabase extends Error {
  readonly pids: readonly number[];

  constructor(path: string, pids: readonly number[]) {
    super(`${path} is not moved: programs have it open, and an open file cannot change its place`);
    this.pids = pids;
  }
}

/** undefined where no database can be in RAM: `told` says why, where somebody wants that. */
export function openRamdisk(
  settings: Settings,
  data: string,
  log: Log,
  told: (reason: string) => void,
): Ramdisk | undefined {
  const choices = new Choices(settings.stateDir);
  const isAskedFor = settings.ram.length > 0 || Object.values(choices.all).includes('ram');
  const directory = settings.ramdisk === 'auto' || settings.ramdisk === 'off' ? defaultRamdisk : settings.ramdisk;
  const plan = planRamdisk({
    wanted: settings.ramdisk,
    isAskedFor,
    directory: lookAt(directory),
    mayMount: inspectFuse().mayMount,
    obstacle: obstacleIn(settings),
  });
  if (plan.action === 'none') {
    if (plan.reason !== undefined) {
      log.warn('ramdisk-off', { reason: plan.reason, effect: 'all databases are on the disk' });
      told(`no database is in RAM: ${plan.reason}`);
    }
    return undefined;
  }
  try {
    if (plan.action === 'mount') {
      const sizeBytes = sizeForRamdisk();
      mountTmpfs(plan.directory, sizeBytes);
      log.info('ramdisk-mounted', { directory: plan.directory, sizeBytes });
    }
    return new Ramdisk(plan.directory, data, choices, settings, log);
  } catch (error) {
    const reason = `${plan.directory} cannot be used: ${messageOf(error)}`;
    log.warn('ramdisk-off', { reason, effect: 'all databases are on the disk' });
    told(`no database is in RAM: ${reason}`);
    return undefined;
  }
}

function obstacleIn({ noMount, locks, passthrough }: Settings): string | undefined {
  if (noMount) return 'databases in RAM need a mount, and --no-mount is given';
  if (locks === 'kernel') return 'databases in RAM need coordinated locks, and --locks kernel is given';
  if (passthrough === 'off') return 'databases in RAM need passthrough, and --passthrough off is given';
  return undefined;
}
