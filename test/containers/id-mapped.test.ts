// A container whose ids are shifted (pods with hostUsers: false, `podman -v x:/x:idmap`, Incus shift=true) gets an
// id-mapped mount of the directory: the kernel shows and stores ids as that mount maps them.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { run } from '../helpers/process.ts';

/** First id of the container as the host sees it; the container calls it 0. */
const shift = 100_000;

/**
 * open_tree(2), mount_setattr(2) with MOUNT_ATTR_IDMAP, move_mount(2): binds argv[1] at argv[2] for a user namespace
 * from `shift` on.
 */
const bindShifted = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(number))
    return result
ready, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.close(done[1]) # the end of its parent ends it, too
    libc.unshare(0x10000000)
    os.write(ready[1], b"x"); os.read(done[0], 1); os._exit(0)
os.read(ready[0], 1)
for name in ["uid_map", "gid_map"]:
    open(f"/proc/{child}/{name}", "w").write("0 ${shift} 65536")
users = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
tree = call(428, -100, sys.argv[1].encode(), 1 | 0o2000000)
attributes = struct.pack("QQQQ", 0x100000, 0, 0, users)
call(442, tree, b"", 0x1000, attributes, len(attributes))
call(429, tree, b"", -100, sys.argv[2].encode(), 4)
os.write(done[1], b"x"); os.waitpid(child, 0)`;

const write = `
import os, sqlite3, sys
os.setgroups([]); os.setgid(${shift} + 33); os.setuid(${shift} + 33)
db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.execute(f"PRAGMA journal_mode={sys.argv[2]}")
db.execute("CREATE TABLE IF NOT EXISTS t (x)")
for n in range(50): db.execute("INSERT INTO t VALUES (?)", (n,))
print(os.stat(sys.argv[1]).st_uid - ${shift}, db.execute("SELECT count(*) FROM t").fetchone()[0])`;

/**
 * All that makes an inode or names an id, as users of the container; prints each file's ids as the container sees them.
 */
const makeAll = `
import os, sys
os.chdir(sys.argv[1])
def as_user(user, work):
    child = os.fork()
    if child == 0:
        os.setgroups([]); os.setgid(${shift} + user); os.setuid(${shift} + user)
        try: work()
        except OSError as error: print(user, error.strerror, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
def make():
    os.mkdir("dir"); os.symlink("dir", "link"); os.mkfifo("fifo"); os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600))
    os.mkdir("group", 0o2777); os.chmod("group", 0o2777)
    os.link("file", "hard"); os.rename("file", "moved"); open("given", "w").close()
as_user(33, make)
as_user(34, lambda: open("moved"))
as_user(34, lambda: os.close(os.open("group/file", os.O_CREAT | os.O_WRONLY, 0o644)))
os.chown("given", ${shift} + 50, ${shift} + 51)
try: os.chown("given", 5, 5)
except OSError as error: print("chown", error.strerror)
for name in ["dir", "link", "fifo", "hard", "moved", "group/file", "given"]:
    stat = os.lstat(name)
    print(name, stat.st_uid - ${shift}, stat.st_gid - ${shift})`;

async function withShifted(use: (daemon: Daemon, container: string) => Promise<void>): Promise<void> {
  await withDaemon([], async (daemon) => {
    const container = join(daemon.folder, 'container');
    mkdirSync(container);
    chmodSync(daemon.folder, 0o755);
    chmodSync(daemon.mount, 0o777);
    const bound = await run('python3', ['-c', bindShifted, daemon.mount, container]);
    expect(bound).toMatchObject({ code: 0, stderr: '' });
    try {
      await use(daemon, container);
    } finally {
      spawnSync('umount', ['-l', container]);
    }
  });
}

test('programs of a shifted container own what they make, by their own ids, and share databases with the host', async () => {
  await withShifted(async (daemon, container) => {
    for (const journal of ['wal', 'delete']) {
      const name = `${journal}.db`;
      const inside = await run('python3', ['-c', write, join(container, name), journal]);
      expect(inside).toMatchObject({ stdout: '33 50\n', stderr: '' });
      expect(statSync(join(daemon.data, name))).toMatchObject({ uid: 33, gid: 33 });
      expect(statSync(join(daemon.mount, name))).toMatchObject({ uid: 33, gid: 33 });
      expect(statSync(join(container, name))).toMatchObject({ uid: shift + 33, gid: shift + 33 });
      const host = spawnSync('sqlite3', [join(daemon.mount, name), 'INSERT INTO t VALUES (0); SELECT count(*) FROM t']);
      expect(host.stdout.toString()).toBe('51\n');
    }
  });
});

test('whatever makes a file or names an id there goes by the ids of the container', async () => {
  await withShifted(async (daemon, container) => {
    const { stdout, stderr } = await run('python3', ['-c', makeAll, container]);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      '34 Permission denied',
      'chown Value too large for defined data type',
      'dir 33 33',
      'link 33 33',
      'fifo 33 33',
      'hard 33 33',
      'moved 33 33',
      'group/file 34 33',
      'given 50 51',
    ]);
    expect(statSync(join(daemon.data, 'given'))).toMatchObject({ uid: 50, gid: 51 });
  });
});
