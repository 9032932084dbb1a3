// Locks are answered by one thread: nothing that it does may take long, however much is open and however large files
// are.
// Runs alone: it measures the steps of the loop.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

/**
 * What README.md of fs/ promises is 5 ms. A busy machine takes the processor away for tens of milliseconds at any time,
 * so that only far more than that says something here; that work is done in small parts is shown in test/fs.
 */
const mostMs = 250;
let mount: TempMount;
beforeEach(async () => {
  mount = await tempMount({ lockLimits: { longHolderMs: 1000 } });
});
afterEach(() => mount?.close());

/** 2,000 WAL databases with a connection each, one of them in a transaction, and 4,000 open files besides: 10,000. */
const many = `
import os, resource, shutil, sqlite3, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
data, mount = sys.argv[1:]
template = os.path.join(data, 'template'); made = sqlite3.connect(template)
made.execute('pragma journal_mode=wal'); made.execute('create table t (n)'); made.close()
for n in range(2000): shutil.copy(template, os.path.join(data, 'many', '%d.db' % n))
files = [open(os.path.join(mount, 'many', 'f%d' % (n % 100)), 'a') for n in range(4000)]
databases = [sqlite3.connect(os.path.join(mount, 'many', '%d.db' % n), isolation_level=None) for n in range(2000)]
for database in databases: database.execute('select * from t').fetchall()
databases[7].execute('begin immediate'); print('open', flush=True)
sys.stdin.readline(); databases[3].close(); print('closed one', flush=True)
sys.stdin.readline()
for database in databases: database.close()
for file in files: file.close()
print('closed all', flush=True); sys.stdin.read()
`;

test('2,000 databases and 10,000 open files: looking for long holders, showing locks and closing hold nobody up', async () => {
  mkdirSync(join(mount.dataDir, 'many'));
  const placesAtFirst = descriptorPlaces();
  const client = start('python3', ['-c', many, mount.dataDir, mount.mountPoint]);
  const says = (line: string) =>
    eventually(() => expect(client.stdout().split('\n'), client.stderr()).toContain(line), { timeoutMs: 60_000 });
  try {
    await says('open');
    expect((await mount.status()).handles).toBeGreaterThanOrEqual(10_000);
    await eventually(() => expect(mount.log.map(({ event }) => event)).toContain('lock-held-long'), {
      timeoutMs: 60_000,
    });
    expect((await mount.locks()).databases).toHaveLength(2000);
    expect(descriptorPlaces(), 'whoever made the table grow has waited').toBe(placesAtFirst);
    client.process.stdin?.write('\n');
    await says('closed one');
    client.process.stdin?.write('\n');
    await says('closed all');
    await eventually(async () => expect((await mount.status()).handles).toBe(0));
    const { longestMsOf } = (await mount.status()).steps;
    for (const [name, ms] of Object.entries(longestMsOf)) {
      if (/messages|views|closes|due/.test(name)) expect(ms, name).toBeLessThan(mostMs);
    }
  } finally {
    client.process.kill('SIGKILL');
    await client.finished;
  }
}, 120_000);

/** How many descriptors the fs process can have before the kernel has to give it a larger table. */
function descriptorPlaces(): number {
  return Number(/^FDSize:\s*(\d+)/m.exec(readFileSync(`/proc/${mount.process.pid}/status`, 'latin1'))?.[1]);
}

/** Prints how long its sync, its truncation and its copy of 300 MB have taken, in milliseconds. */
const large = `
import json, os, sys, time
took = {}
def timed(name, action):
    start = time.monotonic(); action(); took[name] = (time.monotonic() - start) * 1000
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR); data = os.urandom(1 << 20)
for _ in range(300): os.write(fd, data)
timed('FSYNC', lambda: os.fsync(fd))
copy = os.open(sys.argv[1] + '2', os.O_CREAT | os.O_RDWR); done = 0
def copy_all():
    global done
    while done < 300 << 20: done += os.copy_file_range(fd, copy, (300 << 20) - done)
os.lseek(fd, 0, 0); timed('COPY_FILE_RANGE', copy_all)
os.lseek(copy, 0, 0); os.lseek(fd, 0, 0)
for _ in range(300): assert os.read(copy, 1 << 20) == data
timed('SETATTR', lambda: os.ftruncate(fd, 5)); timed('SETATTR', lambda: os.truncate(sys.argv[1] + '2', 7))
assert (os.fstat(fd).st_size, os.fstat(copy).st_size, os.pread(fd, 9, 0)) == (5, 7, data[:5])
os.posix_fallocate(fd, 0, 300 << 20); assert os.fstat(fd).st_size == 300 << 20
print(json.dumps(took))
`;

test('on a fresh daemon a sync, a copy and a truncation of 300 MB keep nobody waiting', async () => {
  const { stdout, stderr } = await run('python3', ['-c', large, join(mount.mountPoint, 'large')]);
  expect(stderr).toBe('');
  const { longestMsOf, longestMs } = (await mount.status()).steps;
  for (const [name, tookMs] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
    // Where the disk is very fast there is nothing to tell apart.
    if (tookMs > 150) expect(longestMsOf[name] ?? 0, name).toBeLessThan(tookMs / 2);
  }
  expect(longestMs).toBeGreaterThan(0);
});
