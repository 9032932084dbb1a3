// Moves while the tier process does not answer: what is not known is not taken for done.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadSettings } from '../../../daemon/config/settings.ts';
import { createLog } from '../../../daemon/log.ts';
import { Choices } from '../../../daemon/ramdisk/choices.ts';
import { PendingMoves } from '../../../daemon/ramdisk/pending.ts';
import { Ramdisk } from '../../../daemon/ramdisk/ramdisk.ts';
import { eventually } from '../../helpers/eventually.ts';

const log = createLog({ write: () => {} }, 'error');

/** Its tier process is not started. */
function silentRamdisk(): Ramdisk {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { settings } = loadSettings(new Map(), {});
  return new Ramdisk(folder, join(folder, 'data'), new Choices(folder), settings, log);
}

test('a move is refused, and one that waits goes on waiting', async () => {
  const ramdisk = silentRamdisk();
  let asked = 0;
  const move = (path: string, tier: 'ram' | 'disk') =>
    ramdisk.move(path, tier, async () => {
      asked += 1;
      return { result: 'changed' };
    });
  await expect(move('app.db', 'disk')).rejects.toThrow('does not answer');
  const pending = new PendingMoves({ move, log });
  pending.add('app.db', { tier: 'disk', cause: 'full', pids: [] });
  await eventually(async () => {
    await pending.tryAll();
    expect(asked).toBe(2);
  });
  expect(pending.all).toEqual({ 'app.db': { tier: 'disk', cause: 'full', pids: [] } });
});

test('what is due since the last start is not known yet', async () => {
  await expect(silentRamdisk().misplaced()).rejects.toThrow('does not answer');
});
