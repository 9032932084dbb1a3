// The man page hoody-sqlite(1), from the same tables as the help: text for groff with the macros of man(7).
import { options, type SettingName, settingNames, variableOf } from '../config/options.ts';
import { exitCodes, exitCodeTexts } from '../errors.ts';
import { type Command, usagesOf } from './command.ts';
import { type Flag, flagOfSetting, ownFlagsOf } from './flags.ts';

export function manPage(commands: readonly Command[], version: string): string {
  return [
    `.TH HOODY\\-SQLITE 1 "" "hoody\\-sqlite ${escaped(version)}" "hoody\\-sqlite"`,
    '.SH NAME',
    'hoody\\-sqlite \\- SQLite for many containers: one directory, mounted with FUSE and served over HTTP',
    '.SH SYNOPSIS',
    '.B hoody\\-sqlite\n.I COMMAND\n.RI [ FLAGS ]',
    '.SH DESCRIPTION',
    ...description,
    '.SH COMMANDS',
    ...commands.map(commandText),
    '.SH OPTIONS',
    'Each command takes some of them;\n.B hoody\\-sqlite help\n.I COMMAND\nlists which.\n' +
      'Flags win over variables, those over the variables of the service, those over the file of \\-\\-config, ' +
      'those over the defaults.\nThe keys of that JSON file are the flags without dashes.',
    ...settingNames.map(optionText),
    '.SH EXIT STATUS',
    ...Object.entries(exitCodeTexts).map(([name, text]) =>
      tagged(`.B ${exitCodes[name as keyof typeof exitCodes]}`, escaped(text)),
    ),
    '.SH FILES',
    ...files.map(([path, text]) => tagged(`.I ${escaped(path)}`, escaped(text))),
    '.SH SEE ALSO',
    '.BR sqlite3 (1),\n.BR mount.fuse3 (8),\n.BR systemctl (1)',
    '',
  ].join('\n');
}

const description = [
  'The daemon mounts a directory in which many containers share SQLite databases.',
  'Programs use the SQLite library that they have; concurrent writers wait for their turn.',
  'The same files are served over HTTP: SQL, a key\\-value store with history, and a feed of changes.',
  '.PP',
  'A command that talks to a daemon takes \\-\\-mount or \\-\\-data; without them it means the only running daemon.',
  'With \\-\\-json a command prints one JSON object, and an error is a JSON object on standard error.',
];

const files: readonly (readonly [string, string])[] = [
  ['/etc/default/hoody-sqlite', 'Variables of the service.'],
  ['/hoody/databases', 'Where the databases are mounted by default.'],
  ['/var/lib/hoody/databases', 'The files behind the mount by default.'],
  ['/run/hoody-sqlite', 'Control sockets and records of daemons that run.'],
];

function commandText(command: Command): string {
  const usages = usagesOf(command).map((usage) => `.B ${escaped(usage.slice('hoody-sqlite '.length))}`);
  const flags = ownFlagsOf(command).map(flagText);
  const own = flags.length === 0 ? [] : ['.RS', ...flags, '.RE'];
  return [tagged(usages.join('\n.TQ\n'), `${sentence(command.summary)}`), ...own].join('\n');
}

function optionText(name: SettingName): string {
  const more = options[name].isList ? ' May be repeated; one value may hold several, divided by commas.' : '';
  return `${flagText(flagOfSetting(name))}${more}\n.br\nVariable: ${escaped(variableOf(name))}`;
}

function flagText({ flag, value, description: text, defaultText }: Flag): string {
  const tag = `.B \\-\\-${escaped(flag)}${value === null ? '' : ` ${escaped(value)}`}`;
  return tagged(tag, sentence(text) + (defaultText === null ? '' : ` Default: ${escaped(defaultText)}.`));
}

function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${text}`;
}

function sentence(text: string): string {
  return `${escaped(text.charAt(0).toUpperCase() + text.slice(1))}.`;
}

/** groff_char(7): a backslash begins an escape, "-" is a hyphen, a dot at the start of a line is a request. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replace(/^\./, '\\&.');
}
