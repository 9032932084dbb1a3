// Puts the settings together: flags win over HOODY_SQLITE_* variables, those over the configuration file, those over
// the defaults. Whatever is unknown or malformed is refused by name; only an unknown variable is merely warned about,
// since Kubernetes puts variables of its own into every container.
import { readFileSync } from 'node:fs';
import { messageOf, usageError } from '../errors.ts';
import { isReachableFromOutside, urlOf } from './listen-address.ts';
import {
  options,
  type SettingName,
  type Settings,
  settingNames,
  settingOfFlag,
  variableOf,
  variablePrefix,
} from './options.ts';

/** The texts given for one option, in order; more than one only where the option is a list. */
export type FlagTexts = ReadonlyMap<SettingName, readonly string[]>;

export interface LoadedSettings {
  readonly settings: Settings;
  /** Settings that a flag or a variable names, as opposed to the file or a default. */
  readonly named: ReadonlySet<SettingName>;
  readonly warnings: readonly string[];
}

type Partials = { -readonly [K in SettingName]?: Settings[K] };

export function loadSettings(flags: FlagTexts, environment: NodeJS.ProcessEnv): LoadedSettings {
  const fromFlags = parseFlags(flags);
  const { values: fromVariables, warnings } = parseVariables(environment);
  const file = fromFlags.config ?? fromVariables.config;
  const fromFile = file === undefined ? {} : readSettingsFile(file);
  const named = new Set(settingNames.filter((name) => name in fromFlags || name in fromVariables));
  // A daemon is looked up by the flags alone when there are any: a variable may be meant for another one.
  if ('mount' in fromFlags && !('data' in fromFlags)) named.delete('data');
  if ('data' in fromFlags && !('mount' in fromFlags)) named.delete('mount');
  return { settings: { ...defaults(), ...fromFile, ...fromVariables, ...fromFlags }, named, warnings };
}

/** Rules that concern more than one option; for `start`. */
export function checkTogether(settings: Settings): void {
  if (!isReachableFromOutside(settings.listen) || settings.insecure || settings.authTokenFile !== undefined) return;
  throw usageError(
    `--listen: refusing to listen on ${urlOf(settings.listen)}: no token file is set, so anyone on the network could change every database`,
    'give --auth-token-file FILE, or --insecure if something in front decides who may connect',
  );
}

/** Reads the file again, as the daemon does when it changes. */
export function readSettingsFile(path: string): Partials {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw usageError(`--config ${path}: ${messageOf(error)}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw usageError(`--config ${path}: expected one JSON object`);
  }
  const values: Partials = {};
  for (const [key, value] of Object.entries(content)) {
    const name = settingOfFlag(key);
    if (name === undefined || name === 'config') throw usageError(`${path}: unknown key "${key}"`);
    set(values, name, textsOf(value, name, `${path}: "${key}"`), `${path}: "${key}"`);
  }
  return values;
}

function defaults(): Settings {
  const values: Partials = {};
  for (const name of settingNames) setDefault(values, name);
  return values as Settings;
}

function setDefault<K extends SettingName>(values: Partials, name: K): void {
  values[name] = options[name].byDefault() as Partials[K];
}

function set<K extends SettingName>(values: Partials, name: K, texts: readonly string[], where: string): void {
  const option = options[name];
  const text = option.isList ? texts.join(',') : texts.at(-1);
  try {
    values[name] = option.parse(text ?? '') as Partials[K];
  } catch (error) {
    throw usageError(`${where}: ${messageOf(error)}, not "${text ?? ''}"`);
  }
}

function parseFlags(flags: FlagTexts): Partials {
  const values: Partials = {};
  for (const [name, texts] of flags) {
    const { flag, isList } = options[name];
    if (texts.length > 1 && !isList) throw usageError(`--${flag} is given more than once`);
    set(values, name, texts, `--${flag}`);
  }
  return values;
}

function parseVariables(environment: NodeJS.ProcessEnv): { values: Partials; warnings: string[] } {
  const values: Partials = {};
  const warnings: string[] = [];
  const known = new Map(settingNames.map((name) => [variableOf(name), name]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(variablePrefix) || text === undefined) continue;
    const name = known.get(variable);
    if (name === undefined) warnings.push(`unknown variable ${variable} is ignored`);
    else set(values, name, [text], variable);
  }
  return { values, warnings };
}

function textsOf(value: unknown, name: SettingName, where: string): readonly string[] {
  const { value: valueName, isList } = options[name];
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' && valueName !== null) return [String(value)];
  if (typeof value === 'boolean' && valueName === null) return [String(value)];
  if (isList && Array.isArray(value) && value.every((part) => typeof part === 'string')) return value;
  const expected = valueName === null ? 'true or false' : isList ? 'a string or a list of strings' : 'a string';
  throw usageError(`${where}: expected ${expected}, not ${JSON.stringify(value)}`);
}
