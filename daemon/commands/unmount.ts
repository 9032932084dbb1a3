// Clears a mount that nobody serves any more. One that is served is left alone.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { instanceOf, listInstances, readRecord } from '../instance/instances.ts';
import { canonicalMountPoint, canonicalPath } from '../instance/paths.ts';
import { createLog } from '../log.ts';
import { clearDeadMount } from '../mount/stale-mounts.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const { settings, named } = input;
  const isByData = named.has('data') && !named.has('mount');
  const byData = isByData ? readRecord(instanceOf(settings.runDir, canonicalPath(settings.data))) : undefined;
  if (isByData && !byData?.mount) {
    printResult(input, { mount: null, cleared: false }, `no daemon has left a mount of ${settings.data}\n`);
    return exitCodes.ok;
  }
  const mountPoint = byData?.mount || canonicalMountPoint(settings.mount);
  const record = byData ?? listInstances(settings.runDir).find((known) => known.record.mount === mountPoint)?.record;
  const isCleared = await clearDeadMount(mountPoint, record, createLog(process.stderr, 'warn'));
  printResult(
    input,
    { mount: mountPoint, cleared: isCleared },
    isCleared ? `${mountPoint} is unmounted\n` : `nothing to clear on ${mountPoint}\n`,
  );
  return exitCodes.ok;
}
