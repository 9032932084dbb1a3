// What a command of the program is, and what it is given.
import type { SettingName } from '../config/options.ts';
import type { FlagTexts, LoadedSettings } from '../config/settings.ts';
import type { ExitCode } from '../errors.ts';

export interface ParsedArguments {
  readonly flags: FlagTexts;
  readonly switches: ReadonlySet<string>;
  readonly positionals: readonly string[];
}

export type CommandInput = ParsedArguments & LoadedSettings;

export interface Command {
  readonly name: string;
  /** Arguments and switches as the help shows them. */
  readonly usage?: string;
  readonly summary: string;
  /** Options of the table that this command takes. */
  readonly settings: readonly SettingName[];
  /** Flags of this command alone; none has a value. */
  readonly switches?: readonly { readonly flag: string; readonly description: string }[];
  /** Fewest and most arguments that are no flags; none unless given. */
  readonly positionals?: readonly [number, number];
  readonly load: () => Promise<{ readonly run: (input: CommandInput) => Promise<ExitCode> }>;
}
