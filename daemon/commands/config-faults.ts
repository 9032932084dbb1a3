// What keeps `start` from using these settings, looked at without a start: all of it, not only the first.
import type { Settings } from '../config/options.ts';
import { faultsTogether } from '../config/settings.ts';
import { findGroup, findUser } from '../config/system-users.ts';
import { CommandError } from '../errors.ts';
import { faultOfTokens } from '../http/token-file.ts';
import { instanceOf } from '../instance/instances.ts';
import { canonicalMountPoint, canonicalPath, refuseNesting } from '../instance/paths.ts';
import { faultOfShip } from '../ship/ship-place.ts';

export async function faultsInUse(settings: Settings): Promise<CommandError[]> {
  const { user, socketGroup, noMount, mount, runDir } = settings;
  const data = canonicalPath(settings.data);
  return [
    ...faultsTogether(settings),
    ...(noMount ? [] : faultOf(() => refuseNesting(data, canonicalMountPoint(mount)))),
    ...faultOf(() => instanceOf(runDir, data)),
    ...(user === undefined ? [] : faultOf(() => findUser(user))),
    ...(socketGroup === undefined ? [] : faultOf(() => findGroup(socketGroup))),
    ...[faultOfShip(settings), await faultOfTokens(settings)].filter((fault) => fault !== undefined),
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
