// The flags of a command as one list, from the tables of options and of commands, and what may follow each: for the
// help, the man page and the completions.
import { options, type SettingName } from '../config/options.ts';
import type { Argument, Command } from './command.ts';

export interface Flag {
  /** Without dashes. */
  readonly flag: string;
  /** Shown after it; null for a flag without a value. */
  readonly value: string | null;
  readonly description: string;
  /** null when there is nothing to say. */
  readonly defaultText: string | null;
}

/** What a shell can offer: one of these words, paths, or nothing. */
export type Offered = readonly string[] | 'file' | 'directory' | null;

export function flagsOf(command: Command): Flag[] {
  return [...ownFlagsOf(command), ...command.settings.map(flagOfSetting)];
}

/** Those that are no options of the program. */
export function ownFlagsOf({ switches = [], values = [] }: Command): Flag[] {
  const switchFlags = switches.map((row) => ({ ...row, value: null, defaultText: null }));
  return [...values.map((row) => ({ ...row, defaultText: null })), ...switchFlags];
}

export function flagOfSetting(name: SettingName): Flag {
  const { flag, value, description, defaultText } = options[name];
  return { flag, value, description, defaultText };
}

/** For `value` of a flag. */
export function offeredFor(value: string): Offered {
  if (value === 'DIR') return 'directory';
  if (value === 'FILE') return 'file';
  return /^[a-z]+(\|[a-z]+)+$/.test(value) ? value.split('|') : null;
}

export function offeredAs({ values }: Argument, commands: readonly Command[]): Offered {
  switch (values) {
    case 'command':
      return commands.map(({ name }) => name);
    case 'option':
      return Object.values(options).map(({ flag }) => flag);
    case undefined:
      return null;
    default:
      return values;
  }
}
