// Which fs processes have outlived their supervisor: those that run, and are not its children.
import { expect, test } from 'vitest';
import { identityOf } from '../../../daemon/children/process-identity.ts';
import { currentBootId, type InstanceRecord } from '../../../daemon/instance/instances.ts';
import { orphansOf } from '../../../daemon/mount/mount-from-orphan.ts';
import { start } from '../../helpers/process.ts';

test('an fs process is an orphan when its parent is not the supervisor of the record, and only while it runs', async () => {
  const child = start('sleep', ['600']);
  try {
    const fs = identityOf(child.pid);
    if (fs === undefined) throw new Error('the child does not run');
    const record = (pid: number, processes = [fs]): InstanceRecord => ({
      pid,
      data: '/data',
      mount: '/mount',
      connection: 7,
      fs: processes,
      bootId: currentBootId(),
    });
    expect(orphansOf(record(process.pid))).toEqual([]);
    expect(orphansOf(record(process.pid + 1_000_000))).toEqual([fs]);
    expect(orphansOf(record(process.pid + 1_000_000, [{ ...fs, startTime: '1' }]))).toEqual([]);
    child.process.kill('SIGKILL');
    await child.finished;
    expect(orphansOf(record(process.pid + 1_000_000))).toEqual([]);
  } finally {
    child.process.kill('SIGKILL');
    await child.finished;
  }
});
