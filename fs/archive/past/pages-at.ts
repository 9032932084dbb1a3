// Pages of a moment, for those who need a base.
import type { OpenLog } from '../log/open-log.ts';
import type { PageMap } from '../log/page-map.ts';
import { PastError } from './past-error.ts';

export function readPageAt(log: OpenLog, map: PageMap, pageNumber: number, target: Buffer, at = 0): void {
  if (log.readPage(map, pageNumber, target, at)) return;
  throw new PastError(
    'not-archived',
    `${log.identity.name}: the first copy is still being made; try again in a moment`,
  );
}
