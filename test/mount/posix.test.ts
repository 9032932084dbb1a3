// What POSIX and Linux promise of a directory of files, checked on both kinds of mount and, as the judge of the checks
// themselves, on a plain directory. Each check is a piece of Python that raises when the promise is broken.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';

const prelude = `
import errno, fcntl, mmap, os, signal, socket, stat, struct, sys, time, ctypes
libc = ctypes.CDLL(None, use_errno=True)
os.umask(0o022)

def fails(code, action, *args, **named):
    try:
        action(*args, **named)
    except OSError as error:
        assert error.errno == code, (errno.errorcode[error.errno], 'instead of', errno.errorcode[code])
    else:
        raise AssertionError('no ' + errno.errorcode[code])

def put(path, data=b'data', mode=0o644):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.write(fd, data)
    os.close(fd)

def get(path):
    with open(path, 'rb') as file:
        return file.read()

def as_user(uid, gid, action, groups=()):
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            action()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(repr(error) + '\\n')
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, 'failed as user %d' % uid

def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)

def renameat2(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) != 0:
        raise OSError(ctypes.get_errno(), 'renameat2')
`;

const checks: Record<string, string> = {
  'chmod sets all twelve bits and moves ctime': `
put('f'); before = os.stat('f').st_ctime_ns; time.sleep(0.02); os.chmod('f', 0o6751)
assert mode('f') == 0o6751 and os.stat('f').st_ctime_ns > before`,
  'chown sets both ids, and -1 leaves one alone': `
put('f'); os.chown('f', 1234, 2345); os.chown('f', -1, 77); os.chown('f', 99, -1)
assert (os.stat('f').st_uid, os.stat('f').st_gid) == (99, 77)`,
  'chown that leaves both ids alone moves ctime': `
put('f'); before = os.stat('f'); time.sleep(0.02); os.chown('f', -1, -1); after = os.stat('f')
assert after.st_ctime_ns > before.st_ctime_ns and (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)`,
  'chown of a link changes the link, not its target': `
put('f'); os.symlink('f', 'l'); os.lchown('l', 5, 6)
assert os.lstat('l').st_uid == 5 and os.stat('f').st_uid == 0`,
  'chown clears the set-id bits of a program': `
put('f'); os.chmod('f', 0o6755); os.chown('f', 1000, 1000)
assert mode('f') == 0o755, oct(mode('f'))`,
  'a write by a stranger clears the set-id bits': `
put('f'); os.chmod('f', 0o6777); as_user(1000, 1000, lambda: os.write(os.open('f', os.O_WRONLY), b'x'))
assert mode('f') == 0o777, oct(mode('f'))`,
  'truncate by a stranger clears the set-id bits': `
put('f'); os.chmod('f', 0o6777); as_user(1000, 1000, lambda: os.truncate('f', 1))
assert mode('f') == 0o777, oct(mode('f'))`,
  'a stranger may not chmod, chown or utime': `
put('f'); os.chmod('f', 0o666)
def stranger():
    fails(errno.EPERM, os.chmod, 'f', 0o777)
    fails(errno.EPERM, os.chown, 'f', 1000, 1000)
    fails(errno.EPERM, os.utime, 'f', (1, 1))
    os.utime('f')
as_user(1000, 1000, stranger)`,
  'a new file has the caller as owner, and the mode less umask': `
os.mkdir('d'); os.chmod('d', 0o777)
def user():
    os.umask(0o027)
    put('d/f', mode=0o666); os.mkdir('d/d', 0o777); os.symlink('x', 'd/l'); os.mkfifo('d/p', 0o666)
as_user(1000, 1001, user)
for name, want in (('f', 0o640), ('d', 0o750), ('p', 0o640)):
    s = os.lstat('d/' + name)
    assert (s.st_uid, s.st_gid, mode('d/' + name)) == (1000, 1001, want), (name, s)
assert os.lstat('d/l').st_uid == 1000
put('root'); assert os.stat('root').st_uid == 0`,
  'a file in a set-group-id directory gets its group, a directory the bit too': `
os.mkdir('d'); os.chown('d', 1000, 4242); os.chmod('d', 0o2777)
as_user(1000, 1000, lambda: (put('d/f'), os.mkdir('d/s')))
assert os.stat('d/f').st_gid == 4242 and os.stat('d/s').st_gid == 4242 and mode('d/s') & 0o2000`,
  'a member of a supplementary group may create in a directory of that group': `
os.mkdir('d'); os.chown('d', 0, 4242); os.chmod('d', 0o770)
as_user(1000, 1000, lambda: put('d/f'), groups=(4242,))
assert os.stat('d/f').st_uid == 1000
as_user(1001, 1001, lambda: fails(errno.EACCES, put, 'd/g'))`,
  'permissions are checked for reading, writing, searching and executing': `
put('f', mode=0o640); os.mkdir('d', 0o700); put('d/x')
def user():
    fails(errno.EACCES, get, 'f'); fails(errno.EACCES, os.open, 'f', os.O_WRONLY); fails(errno.EACCES, os.stat, 'd/x')
    fails(errno.EACCES, os.listdir, 'd'); fails(errno.EACCES, os.unlink, 'd/x'); fails(errno.EACCES, os.execv, 'f', ['f'])
as_user(1000, 1000, user)`,
  'in a sticky directory only owners remove and rename': `
os.mkdir('d'); os.chmod('d', 0o1777); as_user(1000, 1000, lambda: (put('d/a'), put('d/b')))
def other():
    fails(errno.EPERM, os.unlink, 'd/a'); fails(errno.EPERM, os.rename, 'd/a', 'd/c')
as_user(1001, 1001, other); as_user(1000, 1000, lambda: os.unlink('d/a'))`,
  'names of 255 bytes work and 256 are ENAMETOOLONG': `
name = 'n' * 255
put(name); os.rename(name, 'm' * 255); os.mkdir('d' * 255); os.link('m' * 255, 'l' * 255); os.symlink('x', 's' * 255)
assert len(os.listdir('.')) == 4
for action in (os.stat, os.unlink, os.rmdir, os.mkdir, put): fails(errno.ENAMETOOLONG, action, 'n' * 256)
fails(errno.ENAMETOOLONG, os.rename, 'm' * 255, 'n' * 256)`,
  'names are bytes: no encoding, no case, no normal form': `
names = [b'\\xff\\xfe', b'new\\nline', b' ', b'\\x01', b'caf\\xc3\\xa9', b'cafe\\xcc\\x81', b'A', b'a', b'back\\\\slash']
for name in names: put(name, name)
assert sorted(os.listdir(b'.')) == sorted(names)
for name in names: assert get(name) == name`,
  'the usual errors: ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP': `
put('f'); os.mkdir('d'); put('d/x'); os.symlink('loop', 'loop')
fails(errno.ENOENT, os.stat, 'none'); fails(errno.ENOENT, os.unlink, 'none'); fails(errno.ENOENT, put, 'none/x')
fails(errno.EEXIST, os.mkdir, 'f'); fails(errno.EEXIST, os.mkdir, 'd'); fails(errno.EEXIST, os.symlink, 'x', 'f')
fails(errno.EEXIST, os.link, 'f', 'd/x'); fails(errno.EEXIST, os.mkfifo, 'f'); fails(errno.EEXIST, os.open, 'f', os.O_CREAT | os.O_EXCL)
fails(errno.ENOTDIR, os.stat, 'f/x'); fails(errno.ENOTDIR, os.rmdir, 'f'); fails(errno.ENOTDIR, os.open, 'f', os.O_DIRECTORY)
fails(errno.EISDIR, os.unlink, 'd'); fails(errno.EISDIR, os.open, 'd', os.O_WRONLY); fails(errno.ENOTEMPTY, os.rmdir, 'd')
fails(errno.ELOOP, os.stat, 'loop'); fails(errno.ELOOP, os.open, 'loop', os.O_NOFOLLOW)
fails(errno.EISDIR, os.rename, 'f', 'd'); fails(errno.ENOTDIR, os.rename, 'd', 'f'); fails(errno.EINVAL, os.rename, 'd', 'd/e')
os.mkdir('e'); fails(errno.ENOTEMPTY, os.rename, 'e', 'd'); fails(errno.EINVAL, os.truncate, 'f', -1)`,
  'creating, linking, renaming and removing move the times of the directory and of the file': `
def later(path, action):
    before = os.stat(path); time.sleep(0.02); action(); after = os.stat(path)
    assert after.st_mtime_ns > before.st_mtime_ns and after.st_ctime_ns > before.st_ctime_ns, path
os.mkdir('d')
later('d', lambda: put('d/a')); later('d', lambda: os.link('d/a', 'd/b')); later('d', lambda: os.rename('d/b', 'd/c'))
later('d', lambda: os.unlink('d/c')); later('d', lambda: os.mkdir('d/s')); later('d', lambda: os.rmdir('d/s'))
later('d', lambda: os.symlink('a', 'd/l')); later('d', lambda: os.mkfifo('d/p'))
def ctime(action):
    before = os.stat('d/a').st_ctime_ns; time.sleep(0.02); action(); assert os.stat('d/a').st_ctime_ns > before
ctime(lambda: os.link('d/a', 'd/k')); ctime(lambda: os.unlink('d/k')); ctime(lambda: os.truncate('d/a', 2)); ctime(lambda: os.chown('d/a', 0, 0))`,
  'a write moves mtime, a read of old data does not': `
put('f'); os.utime('f', ns=(10**18, 10**18)); get('f'); assert os.stat('f').st_mtime_ns == 10**18
fd = os.open('f', os.O_WRONLY); os.write(fd, b'new'); assert os.fstat(fd).st_mtime_ns > 10**18; os.close(fd)
assert os.stat('f').st_mtime_ns > 10**18`,
  'utimens keeps nanoseconds, times before 1970 and after 2038, NOW and OMIT': `
put('f'); os.symlink('f', 'l')
for at, mt in ((1234567890123456789, 987654321987654321), (-10**9 + 1, -5), (2**32 * 10**9 + 7, 2**33 * 10**9 // 2)):
    os.utime('f', ns=(at, mt)); s = os.stat('f'); assert (s.st_atime_ns, s.st_mtime_ns) == (at, mt), (s.st_atime_ns, s.st_mtime_ns)
os.utime('l', ns=(5, 6), follow_symlinks=False)
assert os.lstat('l').st_mtime_ns == 6 and os.stat('f').st_mtime_ns != 6
def utimens(a, m): assert libc.utimensat(-100, b'f', struct.pack('qqqq', *a, *m), 0) == 0
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2
os.utime('f', ns=(1, 2)); utimens((0, OMIT), (0, NOW)); s = os.stat('f')
assert s.st_atime_ns == 1 and abs(s.st_mtime - time.time()) < 10`,
  'rename replaces, keeps the inode, and works across directories': `
put('a', b'A'); put('b', b'B'); inode = os.stat('a').st_ino; old = os.open('b', os.O_RDONLY)
os.rename('a', 'b'); assert get('b') == b'A' and os.stat('b').st_ino == inode and not os.path.exists('a')
assert os.read(old, 9) == b'B' and os.fstat(old).st_nlink == 0
os.mkdir('d'); os.rename('b', 'd/b'); os.rename('d', 'e'); assert get('e/b') == b'A' and os.stat('e/b').st_ino == inode
os.mkdir('empty'); os.rename('e', 'empty'); assert get('empty/b') == b'A'`,
  'RENAME_NOREPLACE refuses, RENAME_EXCHANGE swaps': `
put('a', b'A'); put('b', b'B'); os.mkdir('d')
fails(errno.EEXIST, renameat2, 'a', 'b', 1); renameat2('a', 'b', 2); assert get('a') == b'B' and get('b') == b'A'
renameat2('a', 'd', 2); assert os.path.isdir('a') and get('d') == b'B'; renameat2('d', 'new', 1); assert get('new') == b'B'
fails(errno.ENOENT, renameat2, 'a', 'none', 2)`,
  'a hard link is the same file under both names': `
put('a', b'1'); os.link('a', 'b'); assert os.stat('a').st_nlink == 2 and os.stat('a').st_ino == os.stat('b').st_ino
put('b', b'two'); assert get('a') == b'two'; os.chmod('b', 0o600); assert mode('a') == 0o600
os.unlink('a'); assert get('b') == b'two' and os.stat('b').st_nlink == 1
os.symlink('b', 's'); os.link('s', 't', follow_symlinks=False); assert os.readlink('t') == 'b'
fails(errno.EPERM, os.link, '.', 'dirlink')`,
  'a symbolic link holds any text, up to 4095 bytes': `
for target in ('x', '/nowhere/at/all', '../..', 'a' * 4095):
    os.symlink(target, 'l'); assert os.readlink('l') == target and os.lstat('l').st_size == len(target); os.unlink('l')
fails(errno.ENAMETOOLONG, os.symlink, 'a' * 4096, 'l'); fails(errno.ENOENT, os.symlink, '', 'l')
put('f'); fails(errno.EINVAL, os.readlink, 'f')`,
  'an unlinked file lives on for whoever has it open': `
fd = os.open('f', os.O_CREAT | os.O_RDWR); os.write(fd, b'before'); os.unlink('f'); os.write(fd, b'after')
assert os.pread(fd, 99, 0) == b'beforeafter' and os.fstat(fd).st_nlink == 0
os.ftruncate(fd, 3); os.fchmod(fd, 0o600); os.fsync(fd); assert os.fstat(fd).st_size == 3
put('f', b'another'); assert os.pread(fd, 99, 0) == b'bef'`,
  'O_APPEND writes at the end, whoever moved it': `
a = os.open('f', os.O_CREAT | os.O_WRONLY | os.O_APPEND); b = os.open('f', os.O_WRONLY | os.O_APPEND)
for i in range(20): os.write(a, b'a'); os.write(b, b'b')
os.lseek(a, 0, 0); os.write(a, b'END'); assert get('f') == b'ab' * 20 + b'END'
os.truncate('f', 1); os.write(b, b'c'); assert get('f') == b'ac'`,
  'appends of two processes never overwrite each other': `
pids = []
for c in b'xy':
    pid = os.fork()
    if pid == 0:
        fd = os.open('f', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for _ in range(300): os.write(fd, bytes([c]) * 100)
        os._exit(0)
    pids.append(pid)
for pid in pids: assert os.waitpid(pid, 0)[1] == 0
data = get('f'); assert len(data) == 60000 and data.count(b'x') == 30000`,
  'O_TRUNC empties, O_EXCL creates once, O_CREAT opens what is there': `
put('f', b'long content'); fd = os.open('f', os.O_WRONLY | os.O_TRUNC); assert os.fstat(fd).st_size == 0; os.write(fd, b'x')
os.close(fd); fd = os.open('f', os.O_CREAT | os.O_RDWR, 0); assert os.read(fd, 9) == b'x' and mode('f') == 0o644
fd = os.open('g', os.O_CREAT | os.O_EXCL | os.O_RDWR, 0); os.write(fd, b'may write with mode 0'); assert mode('g') == 0
fails(errno.EBADF, os.write, os.open('f', os.O_RDONLY), b'x'); fails(errno.EBADF, os.read, os.open('f', os.O_WRONLY), 1)`,
  'truncate shortens and lengthens with zeros': `
put('f', b'123456'); os.truncate('f', 3); assert get('f') == b'123'; os.truncate('f', 6); assert get('f') == b'123\\0\\0\\0'
fd = os.open('f', os.O_RDWR); os.ftruncate(fd, 100000); os.pwrite(fd, b'end', 99997); os.ftruncate(fd, 99998)
assert os.pread(fd, 9, 99995) == b'\\0\\0e'`,
  'fallocate reserves, punches holes and keeps the size on request': `
fd = os.open('f', os.O_CREAT | os.O_RDWR); os.posix_fallocate(fd, 0, 65536); assert os.fstat(fd).st_size == 65536
os.pwrite(fd, b'x' * 65536, 0); libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
assert libc.fallocate(fd, 3, 4096, 8192) == 0; assert os.pread(fd, 8192, 4096) == bytes(8192) and os.pread(fd, 1, 4095) == b'x'
assert libc.fallocate(fd, 1, 65536, 65536) == 0 and os.fstat(fd).st_size == 65536`,
  'lseek finds data and holes': `
fd = os.open('f', os.O_CREAT | os.O_RDWR); os.ftruncate(fd, 1 << 20); os.pwrite(fd, b'x' * 4096, 1 << 19); os.fsync(fd)
assert os.lseek(fd, 0, os.SEEK_DATA) == 1 << 19 and os.lseek(fd, 1 << 19, os.SEEK_HOLE) == (1 << 19) + 4096
fails(errno.ENXIO, os.lseek, fd, 1 << 21, os.SEEK_DATA); assert os.lseek(fd, -5, os.SEEK_END) == (1 << 20) - 5`,
  'copy_file_range copies between files and inside one': `
put('a', b'0123456789' * 1000); a = os.open('a', os.O_RDWR); b = os.open('b', os.O_CREAT | os.O_RDWR)
assert os.copy_file_range(a, b, 5000, 100, 50) == 5000 and os.pread(b, 9999, 0) == bytes(50) + (b'0123456789' * 1000)[100:5100]
assert os.copy_file_range(a, a, 10, 0, 10000) == 10 and os.fstat(a).st_size == 10010
fails(errno.EFBIG, os.copy_file_range, a, b, 10, 0, 2**63 - 20)`,
  'a shared mapping and write(2) see each other': `
fd = os.open('f', os.O_CREAT | os.O_RDWR); os.ftruncate(fd, 8192); a = mmap.mmap(fd, 8192); b = mmap.mmap(os.open('f', os.O_RDWR), 8192)
a[0:5] = b'hello'; assert b[0:5] == b'hello' and os.pread(fd, 5, 0) == b'hello'
os.pwrite(fd, b'world', 4096); assert a[4096:4101] == b'world' and b[4096:4101] == b'world'
pid = os.fork()
if pid == 0:
    mmap.mmap(os.open('f', os.O_RDWR), 8192)[100:103] = b'kid'; os._exit(0)
os.waitpid(pid, 0); assert a[100:103] == b'kid' and get('f')[100:103] == b'kid'`,
  'fifos and sockets connect processes': `
os.mkfifo('p'); pid = os.fork()
if pid == 0:
    fd = os.open('p', os.O_WRONLY); os.write(fd, b'through'); os._exit(0)
assert os.read(os.open('p', os.O_RDONLY), 99) == b'through'; os.waitpid(pid, 0)
s = socket.socket(socket.AF_UNIX); s.bind('s'); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect('s'); assert stat.S_ISSOCK(os.stat('s').st_mode)
os.mknod('r', stat.S_IFREG | 0o640); assert mode('r') == 0o640`,
  'device nodes keep type, number and mode, for those who may make them, and cannot be opened on a nodev mount': `
for name, kind, device in (('c', stat.S_IFCHR, (1, 3)), ('b', stat.S_IFBLK, (259, 1048575))):
    os.mknod(name, kind | 0o640, os.makedev(*device)); s = os.stat(name)
    assert stat.S_IFMT(s.st_mode) == kind and mode(name) == 0o640 and s.st_rdev == os.makedev(*device), s
if os.statvfs('.').f_flag & os.ST_NODEV: fails(errno.EACCES, os.open, 'c', os.O_RDWR)
os.chmod('.', 0o777); as_user(1000, 1000, lambda: fails(errno.EPERM, os.mknod, 'n', stat.S_IFCHR | 0o600, os.makedev(1, 3)))
os.rename('c', 'd'); os.unlink('b'); assert os.listdir('.') == ['d']`,
  'a program can be run from the mount, and is text-busy while it runs': `
put('prog', get('/bin/sleep'), 0o755); pid = os.spawnv(os.P_NOWAIT, './prog', ['prog', '60'])
deadline = time.time() + 20
while os.path.basename(os.readlink('/proc/%d/exe' % pid)) != 'prog' and time.time() < deadline: time.sleep(0.01)
try: fails(errno.ETXTBSY, os.open, 'prog', os.O_WRONLY)
finally: os.kill(pid, 9); os.waitpid(pid, 0)`,
  'a directory lists every name once while others come and go': `
for i in range(2000): put('keep%d' % i)
seen = []
for index, entry in enumerate(os.scandir('.')):
    seen.append(entry.name)
    if index % 3 == 0: put('new%d' % index)
    if index % 5 == 0: os.unlink('new%d' % (index // 3 * 3)) if os.path.exists('new%d' % (index // 3 * 3)) else None
kept = [name for name in seen if name.startswith('keep')]
assert len(kept) == len(set(kept)) == 2000, (len(kept), len(set(kept)))`,
  'telldir and seekdir come back to the same name': `
for i in range(300): put('f%d' % i)
libc.opendir.restype = ctypes.c_void_p; libc.readdir.restype = ctypes.c_void_p; libc.telldir.restype = ctypes.c_long
libc.readdir.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]; libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
d = libc.opendir(b'.'); places = []
while True:
    place = libc.telldir(d); entry = libc.readdir(d)
    if not entry: break
    places.append((place, ctypes.string_at(entry + 19)))
for place, name in places[::7] + places[::-11]:
    libc.seekdir(d, place); assert ctypes.string_at(libc.readdir(d) + 19) == name
assert len(places) == 302`,
  'what came and went since a directory was read is seen by whoever reads it again, and by whoever goes back to its beginning': `
os.mkdir('d', 0o700); put('d/a'); fd = os.open('d', os.O_RDONLY)
for name in ('b', 'c', 'd'):
    put('d/' + name); assert name in os.listdir('d') and name in os.listdir(fd)
    os.rename('d/' + name, 'd/x'); assert sorted(os.listdir('d')) == sorted(os.listdir(fd)) == ['a', 'x']
    os.unlink('d/x'); assert os.listdir('d') == os.listdir(fd) == ['a']
as_user(1000, 1000, lambda: fails(errno.EACCES, os.listdir, 'd'))`,
  'many streams at once, two on each directory, list every name once': `
for d in range(10):
    os.mkdir('d%d' % d)
    for i in range(150): put('d%d/f%d' % (d, i))
streams = [os.scandir('d%d' % (i // 2)) for i in range(20)]; seen = [[next(s).name] for s in streams]
for d in range(10): put('d%d/late' % d)
for _ in range(160):
    for stream, names in zip(streams, seen): names.extend(entry.name for entry in [next(stream, None)] if entry)
for names in seen: assert sorted(set(names) - {'late'}) == sorted('f%d' % i for i in range(150)) and len(names) == len(set(names))`,
  'statvfs tells of the backing file system': `
s = os.statvfs('.'); assert s.f_blocks > 0 and s.f_bavail > 0 and s.f_namemax == 255 and s.f_files > 0`,
  'inode numbers are stable and d_type is right': `
put('f'); os.mkdir('d'); os.symlink('f', 'l'); os.mkfifo('p')
for entry in os.scandir('.'):
    assert entry.inode() == os.lstat(entry.name).st_ino
    assert (entry.is_dir(follow_symlinks=False), entry.is_symlink()) == (entry.name == 'd', entry.name == 'l')`,
  'fsync works on files, on read-only descriptors and on directories': `
put('f'); os.mkdir('d')
for name in ('f', 'd', '.'):
    fd = os.open(name, os.O_RDONLY); os.fsync(fd); os.fdatasync(fd); os.close(fd)`,
  'O_TMPFILE is refused cleanly or works': `
try:
    fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); os.write(fd, b'x')
except OSError as error: assert error.errno in (errno.EOPNOTSUPP, errno.EISDIR), error`,
  'extended attributes are refused cleanly': `
put('f')
for action in (lambda: os.setxattr('f', 'user.a', b'1'), lambda: os.getxattr('f', 'user.a')):
    try: action()
    except OSError as error: assert error.errno in (errno.EOPNOTSUPP, errno.ENODATA), error`,
  'flock and fcntl locks exclude other processes': `
put('f'); fd = os.open('f', os.O_RDWR); fcntl.flock(fd, fcntl.LOCK_EX); fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10)
def other():
    mine = os.open('f', os.O_RDWR)
    fails(errno.EAGAIN, fcntl.flock, mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fails(errno.EAGAIN, fcntl.lockf, mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 10); fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10)
as_user(0, 0, other)`,
  'locks on the last bytes that a file can have are told apart': `
END = 2**63 - 1
def lock(fd, kind, start, length): fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack('hhqqi4x', kind, 0, start, length, 0))
def ask(fd, start, length):
    found = struct.unpack('hhqqi4x', fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, start, length, 0)))
    return None if found[0] == fcntl.F_UNLCK else found[2:4]
put('f'); fd = os.open('f', os.O_RDWR)
for start, length in ((100, 1), (END - 5, 1), (END - 3, 2), (END, 1)): lock(fd, fcntl.F_WRLCK, start, length)
def other():
    mine = os.open('f', os.O_RDWR)
    for free in (99, 101, END - 6, END - 4, END - 1): assert ask(mine, free, 1) is None, free
    assert ask(mine, 101, END - 106) is None
    assert ask(mine, END - 5, 1) == (END - 5, 1) and ask(mine, END - 2, 1) == (END - 3, 2) and ask(mine, END, 1) == (END, 0)
    lock(mine, fcntl.F_WRLCK, END - 1, 1); lock(mine, fcntl.F_WRLCK, 101, END - 106)
    for taken in (100, END - 5, END - 3, END): fails(errno.EAGAIN, lock, mine, fcntl.F_WRLCK, taken, 1)
as_user(0, 0, other)
lock(fd, fcntl.F_UNLCK, 101, 0); lock(fd, fcntl.F_WRLCK, 101, 0); lock(fd, fcntl.F_UNLCK, END - 2, 1)
def third():
    mine = os.open('f', os.O_RDWR); lock(mine, fcntl.F_WRLCK, END - 2, 1)
    assert sum(ask(mine, END - 3, 1)) == END - 2 and ask(mine, END - 1, 1) == (END - 1, 0)
as_user(0, 0, third)`,
  'a write beyond the file size limit and to an odd offset behaves': `
fd = os.open('f', os.O_CREAT | os.O_RDWR); os.pwrite(fd, b'end', 5_000_000_001); assert os.fstat(fd).st_size == 5_000_000_004
assert os.pread(fd, 10, 5_000_000_000) == b'\\0end' and os.fstat(fd).st_blocks < 1000`,
  'large reads and writes arrive whole': `
data = os.urandom(5 << 20); put('f', data); assert get('f') == data
fd = os.open('f', os.O_RDWR); assert os.preadv(fd, [bytearray(1 << 20), bytearray(1 << 20)], 123) == 2 << 20`,
};

const places = {
  'a plain directory, as the judge': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-plain-'));
    return { mountPoint: folder, close: async () => rmSync(folder, { recursive: true, force: true }) };
  },
  'a mount with passthrough': () => tempMount({ passthrough: 'on' }),
  'a mount without passthrough, locks kept by the kernel': () => tempMount({ passthrough: 'off', locks: 'kernel' }),
};

for (const [place, open] of Object.entries(places)) {
  describe(place, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let folders = 0;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());

    test.each(Object.entries(checks))('%s', async (_promise, check) => {
      const cwd = join(opened.mountPoint, `${folders++}`);
      mkdirSync(cwd, { mode: 0o755 });
      const { code, stderr } = await run('python3', ['-c', prelude + check], { cwd, timeoutMs: 60_000 });
      expect(stderr).toBe('');
      expect(code).toBe(0);
    });
  });
}
