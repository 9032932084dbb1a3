// What a run-time folder says about daemons: only what is true since this kernel was started.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CommandInput } from '../../../daemon/cli/command.ts';
import { instancesMeant } from '../../../daemon/control/client.ts';
import {
  createInstanceFolder,
  currentBootId,
  type InstanceRecord,
  instanceOf,
  listInstances,
  readRecord,
  writeRecord,
} from '../../../daemon/instance/instances.ts';

let runDir = '';
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

function record(data: string, mount: string | null, bootId = currentBootId()): InstanceRecord {
  const made: InstanceRecord = { pid: process.pid, data, mount, connection: 7, fs: [], bootId };
  const instance = instanceOf(runDir, data);
  createInstanceFolder(instance);
  writeRecord(instance, made);
  return made;
}

test('a record from before the last boot is none: its numbers mean other processes and connections now', () => {
  const made = record('/data/now', '/mount/now');
  expect(readRecord(instanceOf(runDir, '/data/now'))).toEqual(made);
  record('/data/before', '/mount/before', '00000000-0000-0000-0000-000000000000');
  expect(readRecord(instanceOf(runDir, '/data/before'))).toBeUndefined();
  expect(listInstances(runDir).map(({ record: { data } }) => data)).toEqual(['/data/now']);
});

test('--data and --mount each leave only their own daemon in question, and both together one that has both', () => {
  record('/data/one', '/mount/one');
  record('/data/two', '/mount/two');
  record('/data/http', null);
  const meant = (flags: Partial<CommandInput['settings']>) => {
    const settings = { runDir, data: '/data/default', mount: '/mount/default', ...flags } as CommandInput['settings'];
    const named = new Set(Object.keys(flags)) as CommandInput['named'];
    return instancesMeant({ settings, named })
      .map((found) => found.record.data)
      .sort();
  };
  expect(meant({})).toEqual(['/data/http', '/data/one', '/data/two']);
  expect(meant({ data: '/data/one' })).toEqual(['/data/one']);
  expect(meant({ mount: '/mount/two' })).toEqual(['/data/two']);
  expect(meant({ data: '/data/one', mount: '/mount/two' })).toEqual([]);
  expect(meant({ data: '/data/one', mount: '/mount/one' })).toEqual(['/data/one']);
});
