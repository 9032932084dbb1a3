import { expect, test, vi } from 'vitest';
import type { DatabaseId } from '../../../fs/archive/commit.ts';
import { noPosition } from '../../../fs/archive/tail/position.ts';
import { Troubles } from '../../../fs/archive/tail/troubles.ts';

const error = (code: string) => Object.assign(new Error(`${code}: no`), { code });

function createTroubles() {
  const log = vi.fn();
  const surroundings = { log, hasRoom: () => {}, publish: () => {} };
  const id: DatabaseId = { device: '1', inode: '2', name: 'app.db' };
  return { log, troubles: new Troubles({ id, position: noPosition }, surroundings) };
}

test('a failure is told once, until the database was read again', () => {
  const { log, troubles } = createTroubles();
  for (let attempt = 0; attempt < 3; attempt++) troubles.failed(error('EIO'));
  expect(log).toHaveBeenCalledTimes(1);
  troubles.recovered();
  troubles.failed(error('EIO'));
  expect(log).toHaveBeenCalledTimes(2);
});

test('a file that has just gone is told only when it stays away: most are being renamed or deleted', () => {
  const { log, troubles } = createTroubles();
  troubles.failed(error('ENOENT'));
  expect(log).not.toHaveBeenCalled();
  expect(troubles.reason).toContain('ENOENT');
  troubles.failed(error('ENOENT'));
  troubles.failed(error('ENOENT'));
  expect(log).toHaveBeenCalledTimes(1);
});
