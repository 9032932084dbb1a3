// The place that --ship names, looked at before anything is started.
import { openStore } from '../../fs/index.ts';
import type { Settings } from '../config/options.ts';
import { type CommandError, messageOf, usageError } from '../errors.ts';

/** Nothing is asked over the network. The text of the option is not repeated: it may hold a secret. */
export function faultOfShip({ ship }: Settings): CommandError | undefined {
  if (ship === undefined) return undefined;
  try {
    openStore(ship);
    return undefined;
  } catch (error) {
    return usageError(`--ship: ${messageOf(error)}`);
  }
}
