// Says what this machine can do and cannot do, each with what to do about it. Exit code 1: a start could not mount, or
// not serve.

import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { type Check, inspectMachine } from './checks.ts';

const signs = { ok: 'ok  ', warning: 'WARN', failed: 'FAIL' } as const;

export async function run(input: CommandInput): Promise<ExitCode> {
  const checks = await inspectMachine(input.settings);
  printResult(input, { checks }, checks.map(checkText).join(''));
  return checks.some(({ result }) => result === 'failed') ? exitCodes.failed : exitCodes.ok;
}

function checkText({ name, result, text, fix }: Check): string {
  return `${signs[result]} ${name.padEnd(12)} ${text}${fix === undefined ? '' : `\n${' '.repeat(18)}${fix}`}\n`;
}
