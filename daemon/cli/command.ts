// What a command of the program is, and what it is given.
import type { SettingName } from '../config/options.ts';
import type { FlagTexts, LoadedSettings } from '../config/settings.ts';
import type { ExitCode } from '../errors.ts';

export interface ParsedArguments {
  readonly flags: FlagTexts;
  readonly switches: ReadonlySet<string>;
  /** Of flags that only this command has, by the flag. */
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

export type CommandInput = ParsedArguments & LoadedSettings;

export interface Switch {
  readonly flag: string;
  readonly description: string;
}

export interface ValueFlag {
  readonly flag: string;
  /** As the help shows it. */
  readonly value: string;
  readonly description: string;
}

/** An argument that is no flag. */
export interface Argument {
  /** As the help shows it. */
  readonly name: string;
  readonly isOptional?: true;
  /** What it may be, or of what kind it is; anything unless given. */
  readonly values?: readonly string[] | 'file' | 'directory' | 'command' | 'option';
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** In order; those that may be left out come last. */
  readonly arguments?: readonly Argument[];
  /** Another way to call it: with this flag it takes these arguments. `value`: as the help shows it. */
  readonly other?: { readonly flag: string; readonly value?: string; readonly arguments: readonly Argument[] };
  /** Options of the table that this command takes. */
  readonly settings: readonly SettingName[];
  /** Flags of this command alone; none has a value. */
  readonly switches?: readonly Switch[];
  /** Flags of this command alone, each with a value. */
  readonly values?: readonly ValueFlag[];
  /** Runs with faulty settings too, to tell what is wrong with them. */
  readonly takesFaults?: true;
  readonly load: () => Promise<{ readonly run: (input: CommandInput) => Promise<ExitCode> }>;
}

/** As `hoody-sqlite locks [DB]`, without the flags; more than one line where there is another way to call it. */
export function usagesOf({ name, arguments: rows, other }: Command): string[] {
  const usage = `hoody-sqlite ${name}${argumentWords(rows)}`;
  if (!other) return [usage];
  const value = other.value === undefined ? '' : ` ${other.value}`;
  return [usage, `hoody-sqlite ${name} --${other.flag}${value}${argumentWords(other.arguments)}`];
}

function argumentWords(rows: readonly Argument[] = []): string {
  return rows.map((row) => (row.isOptional ? ` [${row.name}]` : ` ${row.name}`)).join('');
}

/** The arguments that are meant where these flags are given. */
export function argumentsOf(command: Command, isGiven: (flag: string) => boolean): readonly Argument[] {
  const { other } = command;
  return (other && isGiven(other.flag) ? other.arguments : command.arguments) ?? [];
}
