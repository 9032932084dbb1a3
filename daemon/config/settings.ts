// Puts the settings together: flags win over HOODY_SQLITE_* variables, those over the configuration file, those over
// the defaults. Whatever is unknown or malformed is refused by name; only an unknown variable is merely warned about,
// since Kubernetes puts variables of its own into every container.
import { readFileSync } from 'node:fs';
import { CommandError, messageOf, usageError } from '../errors.ts';
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

export type Source = 'default' | 'file' | 'etc-default' | 'environment' | 'flag';

/** Where the value of an option comes from. */
export interface Origin {
  readonly from: Source;
  /** The flag, the variable or the path of the file; null for a default. */
  readonly name: string | null;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Settings that a flag or a variable names, as opposed to the file or a default. */
  readonly named: ReadonlySet<SettingName>;
  readonly origins: ReadonlyMap<SettingName, Origin>;
  /** Values that do not fit, flags first; `settings` has what holds without them. */
  readonly faults: readonly CommandError[];
  readonly warnings: readonly string[];
}

type Partials = { -readonly [K in SettingName]?: Settings[K] };

/** What one source says. */
interface Read {
  readonly values: Partials;
  readonly faults: CommandError[];
}

/** The service's variables, for whoever asks what the service would do. */
export interface ServiceVariables {
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
}

export function loadSettings(
  flags: FlagTexts,
  environment: NodeJS.ProcessEnv,
  service?: ServiceVariables,
): LoadedSettings {
  const fromFlags = parseFlags(flags);
  const fromVariables = parseVariables(environment);
  const fromService = parseVariables(service?.variables ?? {}, `${service?.path}: `);
  const config = fromFlags.values.config ?? fromVariables.values.config ?? fromService.values.config;
  const fromFile = config === undefined ? { values: {}, faults: [] } : readFile(config);
  const sources: [Source, Read, (name: SettingName) => string | null][] = [
    ['default', { values: defaults(), faults: [] }, () => null],
    ['file', fromFile, () => config ?? null],
    ['etc-default', fromService, () => service?.path ?? null],
    ['environment', fromVariables, variableOf],
    ['flag', fromFlags, (name) => `--${options[name].flag}`],
  ];
  const origins = new Map<SettingName, Origin>();
  for (const [from, { values }, nameIn] of sources) {
    for (const name of Object.keys(values) as SettingName[]) origins.set(name, { from, name: nameIn(name) });
  }
  return {
    settings: Object.assign({}, ...sources.map(([, { values }]) => values)) as Settings,
    named: namedBy(fromFlags.values, fromVariables.values),
    origins,
    faults: sources.reverse().flatMap(([, { faults }]) => faults),
    warnings: [
      ...fromVariables.unknown.map((variable) => `unknown variable ${variable} is ignored`),
      ...fromService.unknown.map((variable) => `${service?.path}: unknown variable ${variable} is ignored`),
    ],
  };
}

function namedBy(fromFlags: Partials, fromVariables: Partials): Set<SettingName> {
  const named = new Set(settingNames.filter((name) => name in fromFlags || name in fromVariables));
  // A daemon is looked up by the flags alone when there are any: a variable may be meant for another one.
  if ('mount' in fromFlags && !('data' in fromFlags)) named.delete('data');
  if ('data' in fromFlags && !('mount' in fromFlags)) named.delete('mount');
  return named;
}

/** Rules that concern more than one option; for `start`. */
export function checkTogether(settings: Settings): void {
  const [fault] = faultsTogether(settings);
  if (fault) throw fault;
}

export function faultsTogether(settings: Settings): CommandError[] {
  const { listen, insecure, authTokenFile, socketMode, socketGroup, archive, ship } = settings;
  const faults: CommandError[] = [];
  if (isReachableFromOutside(listen) && !insecure && authTokenFile === undefined) {
    faults.push(
      usageError(
        `--listen: refusing to listen on ${urlOf(listen)}: no token file is set, so anyone on the network could change every database`,
        'give --auth-token-file FILE, or --insecure if something in front decides who may connect',
      ),
    );
  }
  if (listen.kind !== 'unix' && (socketMode !== undefined || socketGroup !== undefined)) {
    faults.push(
      usageError(
        `--socket-mode and --socket-group do not apply to ${urlOf(listen)}`,
        'they are for a socket file: --listen unix:/path',
      ),
    );
  }
  if (ship !== undefined && archive === 'off') {
    faults.push(
      usageError('--ship: what is shipped are the kept commits, and none are kept', 'leave --archive off out'),
    );
  }
  return faults;
}

/** Reads the file again, as the daemon does when it changes. @throws CommandError for its first fault */
export function readSettingsFile(path: string): Partials {
  const { values, faults } = readFile(path);
  if (faults[0]) throw faults[0];
  return values;
}

function readFile(path: string): Read {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return { values: {}, faults: [usageError(`--config ${path}: ${messageOf(error)}`)] };
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return { values: {}, faults: [usageError(`--config ${path}: expected one JSON object`)] };
  }
  const read: Read = { values: {}, faults: [] };
  for (const [key, value] of Object.entries(content)) {
    const name = settingOfFlag(key);
    if (name === undefined || name === 'config') {
      read.faults.push(usageError(`${path}: unknown key "${key}"`, 'hoody-sqlite help start lists the keys, as flags'));
    } else set(read, name, () => textsOf(value, name, `${path}: "${key}"`), `${path}: "${key}"`);
  }
  return read;
}

function defaults(): Settings {
  const values: Partials = {};
  for (const name of settingNames) setDefault(values, name);
  return values as Settings;
}

function setDefault<K extends SettingName>(values: Partials, name: K): void {
  values[name] = options[name].byDefault() as Partials[K];
}

function set<K extends SettingName>(read: Read, name: K, textsIn: () => readonly string[], where: string): void {
  const option = options[name];
  try {
    const texts = textsIn();
    const text = (option.isList ? texts.join(',') : texts.at(-1)) ?? '';
    try {
      read.values[name] = option.parse(text) as Partials[K];
    } catch (error) {
      const given = option.isHidden ? '' : `, not "${text}"`;
      throw usageError(`${where}: ${messageOf(error)}${given}`);
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    read.faults.push(error);
  }
}

function parseFlags(flags: FlagTexts): Read {
  const read: Read = { values: {}, faults: [] };
  for (const [name, texts] of flags) {
    const { flag, isList } = options[name];
    if (texts.length > 1 && !isList) read.faults.push(usageError(`--${flag} is given more than once`));
    else set(read, name, () => texts, `--${flag}`);
  }
  return read;
}

function parseVariables(variables: NodeJS.ProcessEnv, where = ''): Read & { readonly unknown: readonly string[] } {
  const read: Read = { values: {}, faults: [] };
  const unknown: string[] = [];
  const known = new Map(settingNames.map((name) => [variableOf(name), name]));
  for (const [variable, text] of Object.entries(variables)) {
    if (!variable.startsWith(variablePrefix) || text === undefined) continue;
    const name = known.get(variable);
    if (name === undefined) unknown.push(variable);
    else set(read, name, () => [text], `${where}${variable}`);
  }
  return { ...read, unknown };
}

function textsOf(value: unknown, name: SettingName, where: string): readonly string[] {
  const { value: valueName, isList, isHidden } = options[name];
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' && valueName !== null) return [String(value)];
  if (typeof value === 'boolean' && valueName === null) return [String(value)];
  if (isList && Array.isArray(value) && value.every((part) => typeof part === 'string')) return value;
  const expected = valueName === null ? 'true or false' : isList ? 'a string or a list of strings' : 'a string';
  const given = isHidden ? '' : `, not ${JSON.stringify(value)}`;
  throw usageError(`${where}: expected ${expected}${given}`);
}
