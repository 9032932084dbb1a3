// Which lines of /proc/self/mountinfo are mounts of this program.
import { expect, test } from 'vitest';
import { parseMountInfo } from '../../../fs/mount/mounted.ts';

test('only mounts of this program are found, with connection and unescaped mount point', () => {
  const text = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '42 22 0:51 / /hoody/databases rw,nosuid,nodev,relatime shared:7 master:2 - fuse.hoody-sqlite hoody-sqlite rw,user_id=0',
    '43 22 0:52 / /mnt/other rw - fuse.sshfs host:/ rw',
    '44 22 0:53 / /mnt/with\\040space\\134x rw - fuse.hoody-sqlite hoody-sqlite rw',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { mountPoint: '/hoody/databases', connection: 51 },
    { mountPoint: '/mnt/with space\\x', connection: 53 },
  ]);
});

test('a mount point that is not ASCII comes back as it was', () => {
  const line = Buffer.from('44 22 0:53 / /mnt/caf\u00e9 rw - fuse.hoody-sqlite hoody-sqlite rw').toString('latin1');
  expect(parseMountInfo(line)).toEqual([{ mountPoint: '/mnt/caf\u00e9', connection: 53 }]);
});
