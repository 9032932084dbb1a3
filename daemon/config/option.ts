// What an option of the program is: one row of the tables in options.ts and archive-options.ts.
import { type Parse, yesOrNo } from './option-values.ts';

export interface Option<T> {
  /** Long flag without dashes; also the key of the configuration file. */
  readonly flag: string;
  /** Shown after the flag in the help; null for a switch, which needs no value. */
  readonly value: string | null;
  readonly parse: Parse<T>;
  readonly byDefault: () => T;
  /** Shown in the help; null when there is nothing to say. */
  readonly defaultText: string | null;
  readonly description: string;
  /** The value as one would type it, where that is not the value itself. */
  readonly textOf?: (value: T) => string;
  /** The same with a unit, for people. */
  readonly unitText?: (value: T) => string;
  /** May be changed while the daemon runs, by editing the configuration file. */
  readonly isLive?: true;
  /** It may hold a secret by mistake: a message never repeats what was given. */
  readonly isHidden?: true;
  /** May be given several times; one text holds several values divided by commas. */
  readonly isList?: true;
}

export function toggle(flag: string, description: string): Option<boolean> {
  return { flag, value: null, parse: yesOrNo, byDefault: () => false, defaultText: null, description };
}
