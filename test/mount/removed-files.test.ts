// The space of a file that was removed is given back: nothing in the fs process holds the file any more, soon after its
// last client.
import { expect, test } from 'vitest';
import { removedFilesHeldBy } from '../helpers/descriptors.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';

/** In every way in which a file loses its last name: 5 files each, fewer than are closed together. */
const removals = `
import os, sys
os.chdir(sys.argv[1])
def put(name):
    fd = os.open(name, os.O_CREAT | os.O_RDWR); os.write(fd, b'x' * 100000); os.fsync(fd); return fd
for _ in range(5):
    os.close(put('closed')); os.unlink('closed')
    fd = put('open'); os.unlink('open'); os.close(fd)
    os.close(put('target')); os.close(put('source')); os.rename('source', 'target'); os.unlink('target')
`;

test.each(['on', 'off'] as const)('with passthrough %s', async (passthrough) => {
  const mount = await tempMount({ passthrough });
  try {
    const { code, stderr } = await run('python3', ['-c', removals, mount.mountPoint]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await eventually(() => expect(removedFilesHeldBy(mount.process.pid, mount.dataDir)).toEqual([]));
  } finally {
    await mount.close();
  }
});
