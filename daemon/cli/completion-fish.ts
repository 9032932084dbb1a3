// The completion of fish.
import type { Argument, Command } from './command.ts';
import { type Flag, flagsOf, type Offered, offeredAs, offeredFor } from './flags.ts';

export function fishCompletion(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const lines = [
    '# fish completion for hoody-sqlite, printed by: hoody-sqlite completion fish',
    'complete -c hoody-sqlite -f',
    ...commands.map(({ name, summary }) => {
      return `complete -c hoody-sqlite -n "not __fish_seen_subcommand_from ${names}" -a ${name} -d ${quoted(summary)}`;
    }),
    ...commands.flatMap((command) => [
      ...flagsOf(command).map((row) => `${start(command)} ${flagWords(row)}`),
      ...argumentWords(command.arguments ?? [], commands).map((words) => `${start(command)} ${words}`),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function start({ name }: Command): string {
  return `complete -c hoody-sqlite -n "__fish_seen_subcommand_from ${name}"`;
}

function flagWords({ flag, value, description }: Flag): string {
  const words = `-l ${flag} -d ${quoted(description)}`;
  if (value === null) return words;
  return `${words} -r ${offered(offeredFor(value))}`;
}

/** Without a look at what is typed already: each argument's words are offered. */
function argumentWords(rows: readonly Argument[], commands: readonly Command[]): string[] {
  return rows.map((row) => offeredAs(row, commands)).flatMap((values) => (values === null ? [] : [offered(values)]));
}

function offered(values: Offered): string {
  if (values === null) return '-f';
  if (values === 'file') return '-F';
  if (values === 'directory') return "-f -a '(__fish_complete_directories)'";
  return `-f -a ${quoted(values.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
