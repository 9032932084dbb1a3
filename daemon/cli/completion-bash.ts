// The completion of bash, as text for `source` or a file of bash-completion. It needs nothing but bash.
import type { Command } from './command.ts';
import { flagsOf, type Offered, offeredAs, offeredFor } from './flags.ts';

export function bashCompletion(commands: readonly Command[]): string {
  const flags = new Map(commands.flatMap(flagsOf).map((row) => [row.flag, row.value]));
  const valued = [...flags].filter(([, value]) => value !== null).map(([flag]) => `--${flag}`);
  return `# bash completion for hoody-sqlite, printed by: hoody-sqlite completion bash
_hoody_sqlite() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} flags= at=0 i
  # "--flag=value" arrives as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _hoody_sqlite_words ${words(commands.map(({ name }) => name))}
    return
  fi
  case $prev in
${[...flags].flatMap(([flag, value]) => flagCase(flag, value)).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${commands.map((command) => `      ${command.name}) flags=${words(flagsOf(command).map(({ flag }) => `--${flag}`))} ;;`).join('\n')}
    esac
    _hoody_sqlite_words "$flags"
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valued.join(' | ')}) [[ \${COMP_WORDS[i+1]} == = ]] && ((i++)); ((i++)) ;;
      -?*) ;;
      *) ((at++)) ;;
    esac
  done
${commands.flatMap((command) => otherCase(command, commands)).join('\n')}
  case $command:$at in
${commands.flatMap((command) => argumentCases(command, commands)).join('\n')}
  esac
}
_hoody_sqlite_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}
_hoody_sqlite_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}
complete -F _hoody_sqlite hoody-sqlite
`;
}

/** A flag that takes a value ends the search, even where nothing can be offered. */
function flagCase(flag: string, value: string | null): string[] {
  if (value === null) return [];
  return [`    --${flag}) ${action(offeredFor(value))}return ;;`];
}

/** The arguments of a command that is called in its other way. */
function otherCase({ name, other }: Command, commands: readonly Command[]): string[] {
  if (!other) return [];
  const texts = other.arguments.map((row, at) => `((at == ${at})) && ${action(offeredAs(row, commands))}`);
  return [
    `  if [[ $command == ${name} && " \${COMP_WORDS[*]} " == *" --${other.flag} "* ]]; then`,
    ...texts.map((text) => `    ${text}`),
    '    return',
    '  fi',
  ];
}

function argumentCases(command: Command, commands: readonly Command[]): string[] {
  return (command.arguments ?? []).flatMap((row, at) => {
    const text = action(offeredAs(row, commands));
    return text === '' ? [] : [`    ${command.name}:${at}) ${text.replace('; ', '')} ;;`];
  });
}

function action(offered: Offered): string {
  if (offered === null) return '';
  if (offered === 'file') return '_hoody_sqlite_paths -f; ';
  if (offered === 'directory') return '_hoody_sqlite_paths -d; ';
  return `_hoody_sqlite_words ${words(offered)}; `;
}

function words(list: readonly string[]): string {
  return `'${list.join(' ')}'`;
}
