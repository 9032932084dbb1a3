// The lines of /proc/PID/mountinfo.
import { expect, test } from 'vitest';
import { parseMountInfo } from '../../../fs/mount/mount-info.ts';

test('each line gives device, mount point and type, with or without optional fields, escapes undone', () => {
  const text = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '42 22 0:51 / /hoody/databases rw,nosuid,nodev,relatime shared:7 master:2 - fuse.hoody-sqlite hoody-sqlite rw,user_id=0',
    '44 22 0:53 / /mnt/with\\040space\\134x rw - fuse.hoody-sqlite hoody-sqlite rw',
    '45 22 0:54 / /mnt/caf\u00e9 rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { device: '254:0', mountPoint: '/', type: 'ext4' },
    { device: '0:51', mountPoint: '/hoody/databases', type: 'fuse.hoody-sqlite' },
    { device: '0:53', mountPoint: '/mnt/with space\\x', type: 'fuse.hoody-sqlite' },
    { device: '0:54', mountPoint: '/mnt/caf\u00e9', type: 'tmpfs' },
  ]);
});
