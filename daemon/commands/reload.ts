// Asks the daemon to replace its fs process and its server by new ones. The systemd unit names it by its pid, since
// variables and a configuration file decide on which directories it runs.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { connectToDaemon } from '../control/client.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input, pidOf(input));
  try {
    await daemon.ask('reload');
    printResult(input, { pid: daemon.pid, data: daemon.data, reloaded: true }, '');
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}

function pidOf({ positionals: [text] }: CommandInput): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw usageError(`"${text}" is no process id`, 'hoody-sqlite status shows it');
  return Number(text);
}
