// Says what this machine can do and cannot do, each with what to do about it. Exit code 1: a start could not mount, or not serve.

import type { CommandInput } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { inspectMachine } from './checks.ts';

const signs = { ok: 'ok  ', warning: 'WARN', failed: 'FAIL' } as const;

export async function run({ settings, switches }: CommandInput): Promise<ExitCode> {
  const checks = await inspectMachine(settings);
  if (switches.has('json')) process.stdout.write(`${JSON.stringify({ checks })}\n`);
  else {
    for (const { name, result, text, fix } of checks) {
      process.stdout.write(
        `${signs[result]} ${name.padEnd(12)} ${text}${fix === undefined ? '' : `\n${' '.repeat(18)}${fix}`}\n`,
      );
    }
  }
  return checks.some(({ result }) => result === 'failed') ? exitCodes.failed : exitCodes.ok;
}
