// What an edit of the configuration file means for the running daemon: flags and variables still win over the file, a
// few settings may change at once, and the rest counts after a restart.
import { options, type SettingName, type Settings, settingNames } from './options.ts';

export interface FileEdit {
  /** In effect now, where neither a flag nor a variable names it. */
  readonly logLevel: Settings['logLevel'] | undefined;
  /** Keys whose new value needs a restart. */
  readonly afterRestart: readonly string[];
  /** Keys whose new value has no effect, since a flag or a variable says otherwise. */
  readonly overridden: readonly string[];
}

/** `atStart`: what the file said when the daemon was started. `named`: settings that a flag or a variable names. */
export function fileEdit(
  atStart: Partial<Settings>,
  now: Partial<Settings>,
  named: ReadonlySet<SettingName>,
): FileEdit {
  const changed = settingNames.filter((name) => JSON.stringify(atStart[name]) !== JSON.stringify(now[name]));
  const flags = (names: readonly SettingName[]) => names.map((name) => options[name].flag);
  return {
    logLevel: named.has('logLevel') ? undefined : (now.logLevel ?? options.logLevel.byDefault()),
    afterRestart: flags(changed.filter((name) => !named.has(name) && !options[name].isLive)),
    overridden: flags(changed.filter((name) => named.has(name))),
  };
}
