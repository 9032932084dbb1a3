// The end of the daemon, one step for each thing that has been started, in the reverse order.
import type { Drain } from '../children/drain.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

type EndStep = (drain: Drain) => Promise<unknown>;

export class EndSteps {
  readonly #steps: EndStep[] = [];
  readonly #log: Log;
  #isStartUnwanted = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** How to undo what has just been started. @throws CommandError where the start is not wanted any more */
  add(step: EndStep): void {
    this.#steps.push(step);
    if (this.#isStartUnwanted)
      throw new CommandError(exitCodes.failed, 'the start is given up: the daemon was told to stop');
  }

  /** The next step of the start throws. */
  giveUpStart(): void {
    this.#isStartUnwanted = true;
  }

  /** Does all of them. One that fails is logged. */
  async run(drain: Drain): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step(drain);
      } catch (error) {
        this.#log.error('stop-step-failed', { reason: messageOf(error) });
      }
    }
  }
}
