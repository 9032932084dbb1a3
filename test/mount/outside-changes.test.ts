// Changes made in the data directory behind the mount's back are seen through the mount, and the log warns of them.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

let mount: TempMount;
afterEach(() => mount?.close());

const warnings = () => mount.log.filter(({ event }) => event === 'changed-behind-the-mount');
const through = async (command: string) =>
  (await run('bash', ['-c', command], { cwd: mount.mountPoint, timeoutMs: 20_000 })).stdout.trim();

describe.each(['on', 'off'] as const)('with passthrough %s', (passthrough) => {
  test('a file made, changed, replaced and removed there is seen as it is, with a warning each time', async () => {
    mount = await tempMount({ passthrough });
    const file = join(mount.dataDir, 'f');
    const steps: [string, () => void][] = [
      ['one', () => writeFileSync(file, 'one')],
      ['changed', () => writeFileSync(file, 'changed')],
      [
        'replaced',
        () => {
          writeFileSync(`${file}.new`, 'replaced');
          renameSync(`${file}.new`, file);
        },
      ],
      ['', () => rmSync(file)],
    ];
    expect(await through('cat f; ls')).toBe('');
    for (const [content, change] of steps) {
      const before = warnings().length;
      change();
      await eventually(() => expect(warnings().length).toBeGreaterThan(before));
      await eventually(async () =>
        expect(await through('stat -c %s f')).toBe(content === '' ? '' : `${content.length}`),
      );
      expect(await through('cat f')).toBe(content);
      await eventually(async () => expect(await through('ls')).toBe(content === '' ? '' : 'f'));
    }
    expect(JSON.stringify(warnings()[0]?.fields)).toContain(file);
  });
});

test('a change in a directory below is seen too', async () => {
  mount = await tempMount();
  mkdirSync(join(mount.dataDir, 'a'));
  await eventually(async () => expect(await through('ls -l a/')).toBe('total 0'));
  writeFileSync(join(mount.dataDir, 'a', 'f'), 'x');
  await eventually(async () => expect(await through('cat a/f')).toBe('x'));
  await eventually(() => expect(warnings().some(({ fields }) => JSON.stringify(fields).includes('a/f'))).toBe(true));
});

test('changes made through the mount raise no warning', async () => {
  mount = await tempMount();
  const session = `mkdir d; for i in $(seq 30); do echo $i > d/f; mv d/f d/g; cp d/g d/h; rm d/g; done
    for i in $(seq 20); do sqlite3 d/a.db 'create table if not exists t (x); insert into t values (1)'; done; rm -r d`;
  await through(session);
  // A change of ours that would be reported is reported before this one.
  writeFileSync(join(mount.dataDir, 'marker'), '');
  await eventually(() => expect(warnings().length).toBeGreaterThan(0));
  expect(new Set(warnings().flatMap(({ fields }) => fields.names))).toEqual(new Set([join(mount.dataDir, 'marker')]));
});

test('a file that has just appeared is opened by its owner and mode, not as one that is being created', async () => {
  mount = await tempMount({ watch: false });
  // All in the second in which the kernel believes that the names are free.
  const { stdout, stderr } = await run('python3', [
    '-c',
    `
import os, sys
data, mount = sys.argv[1:]
os.chmod(os.path.dirname(mount), 0o755); os.chmod(mount, 0o777)
def appear(name, mode):
    assert not os.path.exists(f"{mount}/{name}")
    fd = os.open(f"{data}/{name}", os.O_CREAT | os.O_WRONLY, mode)
    os.write(fd, b"secret")
    os.close(fd)
def tried(flags, name):
    try:
        fd = os.open(f"{mount}/{name}", flags, 0o644)
        content = os.read(fd, 10)
        os.close(fd)
        return content.decode()
    except OSError as error:
        return error.strerror
names = ["private", "truncated", "exclusive", "public", "root"]
for name in names: appear(name, 0o666 if name == "public" else 0o600)
os.mkfifo(f"{data}/fifo") if not os.path.exists(f"{mount}/fifo") else None
os.seteuid(65534)
print(tried(os.O_RDWR | os.O_CREAT, "private"))
print(tried(os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "truncated"))
print(tried(os.O_RDWR | os.O_CREAT | os.O_EXCL, "exclusive"))
print(tried(os.O_RDONLY | os.O_CREAT, "public"))
print(tried(os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, "fifo"))
os.seteuid(0)
print(tried(os.O_RDWR | os.O_CREAT, "root"))
print(*[os.path.getsize(f"{data}/{name}") for name in names])
`,
    mount.dataDir,
    mount.mountPoint,
  ]);
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'Permission denied',
    'Permission denied',
    'File exists',
    'secret',
    expect.stringMatching(/Permission denied|No such device or address/),
    'secret',
    '6 6 6 6 6',
    '',
  ]);
});

test('in a sticky directory nobody removes or replaces the file of another that has just appeared', async () => {
  mount = await tempMount({ watch: false });
  const { stdout, stderr } = await run('python3', [
    '-c',
    `
import os, sys
data, mount = sys.argv[1:]
os.chmod(os.path.dirname(mount), 0o755); os.chmod(mount, 0o1777)
def tried(work):
    try: work(); return "done"
    except OSError as error: return error.strerror
def put(path, content="secret"):
    with open(path, "w") as file: file.write(content)
names = ["target", "removed", "moved", "swapped", "taken", "folder"]
put(f"{mount}/old"); os.mkdir(f"{mount}/older.d")
os.seteuid(65534)
for name in ["mine", *names[1:5]]: put(f"{mount}/{name}", "mine")
os.mkdir(f"{mount}/folder"); os.mkdir(f"{mount}/mine.d")
assert not os.path.exists(f"{mount}/target")
os.seteuid(0)
for name in names[:4]: put(f"{data}/new"); os.rename(f"{data}/new", f"{data}/{name}")
# These two are known, under other names.
os.rename(f"{data}/old", f"{data}/taken"); os.rename(f"{data}/older.d", f"{data}/folder")
os.seteuid(65534)
print(tried(lambda: os.rename(f"{mount}/mine", f"{mount}/target")))
print(tried(lambda: os.unlink(f"{mount}/removed")))
print(tried(lambda: os.rename(f"{mount}/moved", f"{mount}/stolen")))
print(tried(lambda: os.rename(f"{mount}/mine", f"{mount}/swapped")))
print(tried(lambda: os.unlink(f"{mount}/taken")))
print(tried(lambda: os.rmdir(f"{mount}/folder")))
print(tried(lambda: os.rmdir(f"{mount}/mine.d")))
os.seteuid(0)
print(*[os.path.getsize(f"{data}/{name}") for name in names[:5]], os.stat(f"{data}/folder").st_uid)
# Who may, does: the kernel looks again, and asks once more.
put(f"{data}/late"); os.rename(f"{data}/late", f"{data}/removed")
os.unlink(f"{mount}/removed")
put(f"{data}/late"); os.rename(f"{data}/late", f"{data}/target")
os.rename(f"{mount}/swapped", f"{mount}/target")
print(*sorted(os.listdir(data)))
`,
    mount.dataDir,
    mount.mountPoint,
  ]);
  expect(stderr).toBe('');
  const refused = 'Operation not permitted';
  expect(stdout.split('\n')).toEqual([
    ...Array<string>(6).fill(refused),
    'done',
    '6 6 6 6 6 0',
    'folder mine moved taken target',
    '',
  ]);
});

test('a run-time folder that cannot be written to is told, and does not keep the mount from being served', async () => {
  mount = await tempMount({ stateDir: '/etc/hostname' });
  expect(mount.log).toContainEqual(expect.objectContaining({ event: 'registration-not-noted' }));
  expect(await through('echo served > f; cat f')).toBe('served');
});
