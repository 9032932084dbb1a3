// The completion of zsh, as a file of its function path.
import type { Command } from './command.ts';
import { type Flag, flagsOf, type Offered, offeredAs, offeredFor } from './flags.ts';

export function zshCompletion(commands: readonly Command[]): string {
  return `#compdef hoody-sqlite
# zsh completion for hoody-sqlite, printed by: hoody-sqlite completion zsh
_hoody_sqlite() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map((command) => `    ${command.name}) _arguments ${specsOf(command, commands).join(' ')} ;;`).join('\n')}
  esac
}
if [[ $funcstack[1] == _hoody_sqlite || $funcstack[1] == _hoody-sqlite ]]; then
  _hoody_sqlite "$@"
else
  compdef _hoody_sqlite hoody-sqlite
fi
`;
}

function specsOf(command: Command, commands: readonly Command[]): string[] {
  const positionals = (command.arguments ?? []).map((row) => {
    const colons = row.isOptional ? '::' : ':';
    return `${colons}${escaped(row.name)}:${action(offeredAs(row, commands))}`;
  });
  return [...flagsOf(command).map(flagSpec), ...positionals].map(quoted);
}

function flagSpec({ flag, value, description }: Flag): string {
  const text = `[${description.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  return value === null ? `--${flag}${text}` : `--${flag}=${text}:${escaped(value)}:${action(offeredFor(value))}`;
}

function action(offered: Offered): string {
  if (offered === null) return '';
  if (offered === 'file') return '_files';
  if (offered === 'directory') return '_files -/';
  return `(${offered.join(' ')})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[:\\]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
