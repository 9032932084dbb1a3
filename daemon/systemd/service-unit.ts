// The systemd unit of this installation: the packaged systemd/hoody-sqlite.service with the real program, flags and
// directories put in. Pure text; commands/service.ts writes it.

import { options, type SettingName, type Settings } from '../config/options.ts';
import type { FlagTexts } from '../config/settings.ts';

export interface UnitParts {
  /** Node and the program's entry file, absolute. */
  readonly program: readonly [string, string];
  readonly settings: Settings;
  readonly flags: FlagTexts;
}

/** Beyond the drain time: the server's last requests, the fs process, the unmount. */
export const stopSlackSeconds = 20;

/** @throws Error when the template lacks a line that is to be replaced */
export function unitText(template: string, { program, settings, flags }: UnitParts): string {
  const mountFlag = settings.noMount || settings.requireMount ? [] : ['--require-mount'];
  const words = (command: string, ...args: string[]) => [...program, command, ...args].map(quoted).join(' ');
  const lines: Readonly<Record<string, string>> = {
    RequiresMountsFor: [settings.data, settings.stateDir].map(quoted).join(' '),
    ExecStart: words('start', ...mountFlag, ...flagWords(flags, settings)),
    // By its pid: /etc/default may name other directories. The run-time folder can be somewhere else all the same.
    ExecReload: `${words('reload', ...flagWords(only(flags, ['runDir', 'config']), settings))} $MAINPID`,
    TimeoutStopSec: String(settings.drainSeconds + stopSlackSeconds),
  };
  return Object.entries(lines).reduce((text, [key, value]) => {
    const line = new RegExp(`^${key}=.*$`, 'm');
    if (!line.test(text)) throw new Error(`the packaged unit has no line ${key}=`);
    return text.replace(line, () => `${key}=${value}`);
  }, template);
}

/** The flags as given, with relative paths made absolute: the service runs in another directory. */
function flagWords(flags: FlagTexts, settings: Settings): string[] {
  return [...flags].flatMap(([name, texts]) => {
    const { flag, value } = options[name];
    if (value === null) return [`--${flag}=${settings[name]}`];
    return texts.flatMap((text) => [`--${flag}`, isPath(name) ? String(settings[name]) : text]);
  });
}

function only(flags: FlagTexts, names: readonly SettingName[]): FlagTexts {
  return new Map([...flags].filter(([name]) => names.includes(name)));
}

function isPath(name: SettingName): boolean {
  const { value } = options[name];
  return value === 'DIR' || value === 'FILE';
}

/** systemd.syntax(7): quotes and backslashes, %-specifiers, $-variables. */
function quoted(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
