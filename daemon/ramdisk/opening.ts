// When the tier in RAM is opened: at a start where a database is to be in RAM, otherwise at the first choice of one.
// Until then nothing is mounted for it and no process runs.
import type { Settings } from '../config/options.ts';
import type { EndSteps } from '../supervisor/end-steps.ts';
import type { Running } from '../supervisor/running.ts';
import { obstacleToRam, openRamdisk, type Ramdisk, ramdiskDirectory } from './ramdisk.ts';
import { startRelief } from './relief.ts';
import type { RamdiskOpening } from './requests.ts';

/**
 * Before the mount: what belongs in RAM is there when it serves. `mayLoad`: nobody serves it yet. Programs commit until
 * the mount has ended.
 */
export async function startTier(
  settings: Settings,
  running: Running,
  endSteps: EndSteps,
  mayLoad: boolean,
): Promise<void> {
  const opening = new Opening(settings, running, endSteps);
  running.ramdiskOpening = opening;
  endSteps.add(async () => running.ramdisk?.service.stop());
  await opening.openAtStart(mayLoad);
}

class Opening implements RamdiskOpening {
  readonly #settings: Settings;
  readonly #running: Running;
  readonly #endSteps: EndSteps;
  #opening: Promise<Ramdisk> | undefined;

  constructor(settings: Settings, running: Running, endSteps: EndSteps) {
    this.#settings = settings;
    this.#running = running;
    this.#endSteps = endSteps;
  }

  get directory(): string {
    return ramdiskDirectory(this.#settings);
  }

  get obstacle(): string | undefined {
    return obstacleToRam(this.#settings, this.#running.data);
  }

  /** Does nothing where nobody asks for it. */
  async openAtStart(mayLoad: boolean): Promise<void> {
    const { data, log, degraded } = this.#running;
    const opened = openRamdisk(this.#settings, data, log, false);
    if (typeof opened === 'string') {
      log.warn('ramdisk-off', { reason: opened, effect: 'all databases are on the disk' });
      degraded.push(`no database is in RAM: ${opened}`);
    } else if (opened !== undefined) {
      await this.#start(opened, mayLoad);
      this.#relieve(opened);
    }
  }

  open(): Promise<Ramdisk> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Ramdisk> {
    const { data, log, mounted, isStopping } = this.#running;
    if (mounted === undefined) throw new Error('no database can be in RAM: nothing is mounted');
    if (isStopping) throw new Error('the daemon is stopping');
    const opened = openRamdisk(this.#settings, data, log, true);
    if (!(opened instanceof Object)) throw new Error(`no database can be in RAM: ${opened}`);
    await this.#start(opened, false);
    try {
      await mounted.service.reload(); // the next fs process knows the folder
    } catch (error) {
      this.#running.ramdisk = undefined;
      await opened.service.stop();
      throw error;
    }
    this.#relieve(opened);
    return opened;
  }

  async #start(ramdisk: Ramdisk, mayLoad: boolean): Promise<void> {
    await ramdisk.service.start(mayLoad);
    this.#running.ramdisk = ramdisk;
  }

  #relieve(ramdisk: Ramdisk): void {
    const running = this.#running;
    running.pendingMoves = startRelief(ramdisk, running, this.#settings.ramdiskMaxBytes, this.#endSteps);
    running.log.info('ramdisk-on', { directory: ramdisk.directory });
  }
}
