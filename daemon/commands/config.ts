// `config show|validate`: the settings with which `start` would run here, where each comes from, and what is wrong with
// them. Variables of /etc/default/hoody-sqlite count, below those of the shell: the service has them.
import type { CommandInput } from '../cli/command.ts';
import { printResult, wantsJson } from '../cli/output.ts';
import { environmentFile, readEnvironmentFile } from '../config/environment-file.ts';
import { options, type SettingName, type Settings, settingNames, settingOfFlag } from '../config/options.ts';
import { type LoadedSettings, loadSettings, type Origin } from '../config/settings.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, usageError } from '../errors.ts';
import { faultsInUse } from './config-faults.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [action, option] = input.positionals;
  const loaded = loadSettings(input.flags, process.env, serviceVariables());
  const faults = [...loaded.faults, ...(await faultsInUse(loaded.settings))];
  switch (action) {
    case 'show':
      return show(input, loaded, faults, option);
    case 'validate':
      if (option !== undefined) throw usageError(`unexpected argument "${option}"`, 'validate looks at every option');
      return validate(input, loaded, faults);
    default:
      throw usageError(`unknown action "${action}"`, 'config show or config validate');
  }
}

function serviceVariables() {
  try {
    return { path: environmentFile, variables: readEnvironmentFile(environmentFile) };
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `cannot read ${environmentFile}: ${messageOf(cause)}`, { cause });
  }
}

/** As --json prints it; `value` as one would type it, null where there is none. */
interface ShownOption {
  readonly option: string;
  readonly value: string | null;
  readonly from: Origin['from'];
  /** The flag, the variable or the file; null for a default. */
  readonly name: string | null;
}

function show(
  input: CommandInput,
  { settings, origins, warnings }: LoadedSettings,
  faults: readonly CommandError[],
  option: string | undefined,
): ExitCode {
  const only = option === undefined ? undefined : settingOfFlag(option.replace(/^--/, ''));
  if (option !== undefined && only === undefined)
    throw usageError(`unknown option "${option}"`, 'config show lists them');
  const rows = (only === undefined ? settingNames : [only]).map((name) => shown(name, settings, origins));
  // One option alone is for scripts: its bare value.
  const text =
    only === undefined
      ? rows.map((row, at) => rowText(row, unitText(settingNames[at] as SettingName, settings))).join('')
      : `${rows[0]?.value ?? ''}\n`;
  printResult(input, { options: rows, faults: faults.map(factsOf), warnings }, text);
  if (!wantsJson(input)) process.stderr.write([...faults.map(faultText), ...warnings.map(warningText)].join(''));
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function shown(name: SettingName, settings: Settings, origins: LoadedSettings['origins']): ShownOption {
  const origin = origins.get(name) ?? { from: 'default', name: null };
  return { option: options[name].flag, value: textOf(name, settings), ...origin };
}

function textOf<K extends SettingName>(name: K, settings: Settings): string | null {
  const value = settings[name];
  const text = options[name].textOf?.(value) ?? (Array.isArray(value) ? value.join(',') : String(value ?? ''));
  return text === '' ? null : text;
}

/** Null: the value has no unit. */
function unitText<K extends SettingName>(name: K, settings: Settings): string | null {
  return options[name].unitText?.(settings[name]) ?? null;
}

const originTexts: Readonly<Record<Origin['from'], string>> = {
  default: '',
  file: 'file ',
  'etc-default': 'variables of ',
  environment: 'variable ',
  flag: 'flag ',
};

function rowText({ option, value, from, name }: ShownOption, withUnit: string | null): string {
  const origin = name === null ? from : `${originTexts[from]}${name}`;
  return `${option.padEnd(27)} ${(withUnit ?? value ?? '-').padEnd(28)} ${origin}\n`;
}

function validate(input: CommandInput, { warnings }: LoadedSettings, faults: readonly CommandError[]): ExitCode {
  const lines = [...faults.map(faultText), ...warnings.map(warningText)];
  if (faults.length === 0) lines.push('the settings are valid; hoody-sqlite check looks at the machine\n');
  printResult(input, { valid: faults.length === 0, faults: faults.map(factsOf), warnings }, lines.join(''));
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function factsOf({ message, hint }: CommandError): { readonly message: string; readonly hint: string | null } {
  return { message, hint: hint ?? null };
}

function faultText({ message, hint }: CommandError): string {
  return `FAULT ${message}\n${hint === undefined ? '' : `      ${hint}\n`}`;
}

function warningText(warning: string): string {
  return `WARN  ${warning}\n`;
}
