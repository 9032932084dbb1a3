// From the command line to an exit code: finds the command, reads its flags, prints its error in one clear sentence.

import { options, type SettingName, settingOfFlag } from '../config/options.ts';
import { loadSettings } from '../config/settings.ts';
import { CommandError, type ExitCode, errorFacts, exitCodes, sentenceOf, usageError } from '../errors.ts';
import { type Argument, argumentsOf, type Command, type ParsedArguments, usagesOf } from './command.ts';
import { commands } from './command-table.ts';
import { helpText } from './help.ts';
import { print } from './output.ts';

export async function main(): Promise<void> {
  // Node ends a process that waits for nothing any more, whatever a command still wanted to say.
  process.once('exit', () => {
    if (process.exitCode === undefined) process.stderr.write('hoody-sqlite: the command ended without a result\n');
    process.exitCode ??= exitCodes.failed;
  });
  process.exitCode = await runCommandLine(process.argv.slice(2));
}

async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  try {
    const [name, ...rest] = args;
    if (name === undefined) throw usageError('no command given', 'hoody-sqlite help lists them');
    if (args.includes('--help') || args.includes('-h')) return printHelp(name);
    const command = commands.find((row) => row.name === (name === '--version' ? 'version' : name));
    if (!command) throw usageError(`unknown command "${name}"`, 'hoody-sqlite help lists the commands');
    const parsed = parseArguments(command, rest);
    const { run } = await command.load();
    const loaded = loadSettings(parsed.flags, process.env);
    if (loaded.faults[0] && !command.takesFaults) throw loaded.faults[0];
    return await run({ ...parsed, ...loaded });
  } catch (error) {
    return report(error, args.includes('--json'));
  }
}

function printHelp(name: string): ExitCode {
  print(helpText(commands.find((row) => row.name === name)));
  return exitCodes.ok;
}

/** With --json the last line of stderr is the error as one JSON object. */
function report(error: unknown, asJson: boolean): ExitCode {
  const isExpected = error instanceof CommandError;
  if (!isExpected && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.stderr.write(
    asJson ? `${JSON.stringify({ error: errorFacts(error) })}\n` : `hoody-sqlite: ${sentenceOf(error)}\n`,
  );
  return isExpected ? error.exitCode : exitCodes.failed;
}

/** Accepts `--flag value`, `--flag=value` and, for switches, a bare `--flag`. */
export function parseArguments(command: Command, args: readonly string[]): ParsedArguments {
  const flags = new Map<SettingName, string[]>();
  const switches = new Set<string>();
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg);
      continue;
    }
    const [, flag, attached] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (flag !== undefined && attached === undefined && command.switches?.some((row) => row.flag === flag)) {
      switches.add(flag);
      continue;
    }
    const own = command.values?.find((row) => row.flag === flag);
    if (own) {
      const value = attached ?? args[++index];
      if (value === undefined) throw usageError(`--${own.flag} needs a value: ${own.value}`);
      if (values.has(own.flag)) throw usageError(`--${own.flag} is given more than once`);
      values.set(own.flag, value);
      continue;
    }
    const name = flag === undefined ? undefined : settingOfFlag(flag);
    if (flag === undefined || name === undefined || !command.settings.includes(name)) {
      throw usageError(`unknown flag ${arg.split('=')[0]}`, `hoody-sqlite help ${command.name} lists the flags`);
    }
    let text = attached;
    if (text === undefined && options[name].value === null) text = 'true';
    if (text === undefined) text = args[++index];
    if (text === undefined) throw usageError(`--${flag} needs a value: ${options[name].value}`);
    flags.set(name, [...(flags.get(name) ?? []), text]);
  }
  checkCount(
    command,
    argumentsOf(command, (flag) => switches.has(flag) || values.has(flag)),
    positionals,
  );
  return { flags, switches, values, positionals };
}

function checkCount(command: Command, rows: readonly Argument[], positionals: readonly string[]): void {
  const least = rows.filter(({ isOptional }) => !isOptional).length;
  const unexpected = positionals[rows.length];
  if (unexpected !== undefined) throw usageError(`unexpected argument "${unexpected}"`, usageOf(command));
  if (positionals.length < least) throw usageError('an argument is missing', usageOf(command));
}

function usageOf(command: Command): string {
  return `usage: ${usagesOf(command).join(' or ')}`;
}
