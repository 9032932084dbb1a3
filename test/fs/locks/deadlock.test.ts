// Who of a cycle gives way. The order matters: a refusal costs its owner more the later it stands here.

import { expect, test } from 'vitest';
import type { Waiter } from '../../../fs/locks/database.ts';
import { chooseVictim } from '../../../fs/locks/deadlock.ts';
import { HOLDS_READ, HOLDS_RESERVED, HOLDS_SHARED, HOLDS_WRITE, type LockRole } from '../../../fs/sqlite/lock-bytes.ts';

/** What the choice looks at. */
const waiter = (kind: 'gate' | 'lock', role: LockRole, type: 'read' | 'write', bits: number) =>
  ({ kind, role, request: { type }, me: { bits } }) as Waiter;

const gate = waiter('gate', 'pending', 'read', 0);
const upgrade = waiter('lock', 'reserved', 'write', HOLDS_SHARED);
const walUpgrade = waiter('lock', 'write', 'write', HOLDS_READ);
const plain = waiter('lock', 'pending', 'read', 0);
const commit = waiter('lock', 'shared', 'write', HOLDS_SHARED | HOLDS_RESERVED);

test('a gate wait gives way before all others, wherever it stands: it is let through, not refused', () => {
  expect(chooseVictim([commit, upgrade, plain, gate], upgrade)).toBe(gate);
});

test('then an upgrade from a snapshot: the one that closed the cycle before one that waits already', () => {
  expect(chooseVictim([plain, upgrade, walUpgrade, commit], plain)).toBe(upgrade);
  expect(chooseVictim([plain, upgrade, walUpgrade, commit], walUpgrade)).toBe(walUpgrade);
  expect(chooseVictim([walUpgrade, commit], commit)).toBe(walUpgrade);
});

test('then the request that closed the cycle, and then any other, but no commit', () => {
  const other = waiter('lock', 'pending', 'read', HOLDS_WRITE);
  expect(chooseVictim([other, plain, commit], plain)).toBe(plain);
  expect(chooseVictim([commit, other, plain], commit)).toBe(other);
});

test('a commit only where there is nobody else', () => {
  const second = waiter('lock', 'shared', 'write', HOLDS_SHARED | HOLDS_RESERVED);
  expect(chooseVictim([commit, second], second)).toBe(commit);
  expect(chooseVictim([], undefined)).toBeUndefined();
});
