// What keeps `start` from using these settings, looked at without a start: all of it, not only the first.
import { inspectTokenFile } from '../../server/index.ts';
import type { Settings } from '../config/options.ts';
import { faultsTogether } from '../config/settings.ts';
import { findGroup, findUser } from '../config/system-users.ts';
import { CommandError, usageError } from '../errors.ts';
import { instanceOf } from '../instance/instances.ts';
import { canonicalMountPoint, canonicalPath, refuseNesting } from '../instance/paths.ts';
import { faultOfShip } from '../ship/ship-place.ts';

export async function faultsInUse(settings: Settings): Promise<CommandError[]> {
  const { user, socketGroup, noMount, mount, runDir, authTokenFile } = settings;
  const data = canonicalPath(settings.data);
  const tokenFault = authTokenFile === undefined ? null : await inspectTokenFile(authTokenFile);
  return [
    ...faultsTogether(settings),
    ...[faultOfShip(settings)].filter((fault) => fault !== undefined),
    ...(noMount ? [] : faultOf(() => refuseNesting(data, canonicalMountPoint(mount)))),
    ...faultOf(() => instanceOf(runDir, data)),
    ...(user === undefined ? [] : faultOf(() => findUser(user))),
    ...(socketGroup === undefined ? [] : faultOf(() => findGroup(socketGroup))),
    ...(tokenFault === null
      ? []
      : [usageError(`--auth-token-file ${authTokenFile}: ${tokenFault}`, 'it has lines "full TOKEN" or "read TOKEN"')]),
  ];
}

function faultOf(check: () => unknown): CommandError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof CommandError) return [error];
    throw error;
  }
}
