// The help text, generated from the tables of commands and options so that it cannot be out of date.

import { exitCodes, exitCodeTexts } from '../errors.ts';
import { type Command, usagesOf } from './command.ts';
import { commands } from './command-table.ts';
import { type Flag, flagsOf } from './flags.ts';

const flagColumnWidth = 34;
const maxLineLength = 110;

export function helpText(command: Command | undefined): string {
  return command ? commandHelp(command) : overview();
}

function overview(): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `hoody-sqlite: SQLite for many containers, one directory mounted with FUSE and served over HTTP

usage: hoody-sqlite COMMAND [FLAGS]

${rows.join('\n')}

hoody-sqlite help COMMAND lists the flags of a command. Each flag of start is also a variable
(HOODY_SQLITE_LOG_LEVEL for --log-level) and a key of the file named by --config (JSON, "log-level").
A flag wins over a variable, a variable over the file, the file over the default.
A command that talks to a daemon means the only one that runs. --mount or --data names one of several.

exit codes: ${exitCodeList()}
`;
}

function exitCodeList(): string {
  return Object.entries(exitCodeTexts)
    .map(([name, text]) => `${exitCodes[name as keyof typeof exitCodes]} ${text}`)
    .join('; ');
}

function commandHelp(command: Command): string {
  const flags = flagsOf(command).map(flagRow);
  const usages = usagesOf(command).map(
    (usage, index) => `${index === 0 ? 'usage:' : '      '} ${usage}${flags.length > 0 ? ' [FLAGS]' : ''}`,
  );
  return `${[...usages, '', command.summary, ...(flags.length > 0 ? ['', ...flags] : [])].join('\n')}\n`;
}

function flagRow({ flag, value, description, defaultText }: Flag): string {
  return row(
    `--${flag}${value === null ? '' : ` ${value}`}`,
    defaultText === null ? description : `${description} [${defaultText}]`,
  );
}

/** The description goes on below itself where the line would become too long. */
function row(flag: string, description: string): string {
  const [first = '', ...further] = wrapped(description, maxLineLength - flagColumnWidth - 3);
  return [
    `  ${flag.padEnd(flagColumnWidth)} ${first}`,
    ...further.map((line) => ' '.repeat(flagColumnWidth + 3) + line),
  ].join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
