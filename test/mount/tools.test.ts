// The everyday tools work on the mount as on any directory: what they wrote is what they read, here and in the data
// directory.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

// Each runs in a fresh directory of the mount, with bash -e: any command that fails, fails the test. $DATA is the same
// directory behind the mount.
const sessions: Record<string, string> = {
  'cp and cmp': `
head -c 3000000 /dev/urandom > a; cp a b; cp --reflink=never a c; cp -a a d; cmp a b; cmp a c; cmp a d; cmp a "$DATA/b"`,
  'mv inside, out and in': `
echo 1 > a; mkdir d; mv a d/b; mv d e; mv e/b "$OUTSIDE/x"; mv "$OUTSIDE/x" back; [ "$(cat back)" = 1 ]; [ -z "$(ls e)" ]`,
  'rm -r of a tree': `
mkdir -p t/{a,b,c}/{1,2,3}; for d in t/*/*; do echo x > $d/f; ln -s f $d/l; done; rm -r t; [ ! -e t ]; [ ! -e "$DATA/t" ]`,
  'ln and ln -s': `
echo 1 > a; ln a b; ln -s a c; ln -s nowhere d; [ "$(stat -c %h a)" = 2 ]; [ "$(cat c)" = 1 ]; [ "$(readlink d)" = nowhere ]`,
  'du and df': `
head -c 1000000 /dev/zero | tr '\\0' x > a; sync a; [ "$(du -k a | cut -f1)" -ge 900 ]; [ "$(df -P . | wc -l)" = 2 ]; df -i . > /dev/null`,
  'tar there and back': `
mkdir -p src/sub; echo hello > src/f; ln src/f src/hard; ln -s f src/soft; mkfifo src/p; chmod 640 src/f; touch -d '2001-02-03 04:05:06.789' src/f
tar -cf all.tar src; mkdir out; tar -xpf all.tar -C out; diff -r --no-dereference src/sub out/src/sub
[ "$(stat -c '%a %Y %s' src/f)" = "$(stat -c '%a %Y %s' out/src/f)" ]; [ "$(stat -c %h out/src/hard)" = 2 ]; [ -p out/src/p ]`,
  'rsync, again, and with deletion': `
mkdir -p src/sub dst; for i in 1 2 3; do echo $i > src/f$i; done; echo deep > src/sub/x; rsync -a src/ dst/; diff -r src dst
echo changed > src/f2; rm src/f3; rsync -a --delete --inplace src/ dst/; diff -r src dst; rsync -ac src/ "$OUTSIDE/copy/"; diff -r src "$OUTSIDE/copy"`,
  'truncate, dd and tail': `
truncate -s 10M f; [ "$(stat -c %s f)" = 10485760 ]; printf x | dd of=f bs=1 seek=5000 conv=notrunc status=none
[ "$(dd if=f bs=1 skip=5000 count=1 status=none)" = x ]; truncate -s 5001 f; [ "$(tail -c1 f)" = x ]; dd if=f of=g bs=4k oflag=dsync status=none; cmp f g`,
  'a sparse file of 3 GB': `
truncate -s 3G big; printf end | dd of=big bs=1 seek=3221225470 conv=notrunc status=none; [ "$(stat -c %s big)" = 3221225473 ]
[ "$(tail -c3 big)" = end ]; [ "$(du -k big | cut -f1)" -lt 1000 ]; cp --sparse=always big copy; [ "$(tail -c3 copy)" = end ]; [ "$(du -k copy | cut -f1)" -lt 1000 ]`,
  '10,000 files in one directory': `
seq -f 'file%g' 10000 | xargs touch; [ "$(ls | wc -l)" = 10000 ]; [ "$(find . -type f | sort -u | wc -l)" = 10000 ]; ls -l > /dev/null
[ "$(ls "$DATA" | wc -l)" = 10000 ]; find . -type f -delete; [ -z "$(ls)" ]`,
  'a name of 255 bytes': `
name=$(printf 'n%.0s' {1..255}); echo 1 > $name; mv $name m\${name:1}; [ "$(ls)" = "m\${name:1}" ]; ! touch n$name 2> /dev/null`,
  'open, unlink, write, read': `
exec 3<> f; rm f; echo hello >&3; [ "$(cat /proc/self/fd/3)" = hello ]; [ -z "$(ls)" ]; exec 3>&-`,
  'append from many processes': `
for i in 1 2 3 4; do (for j in $(seq 50); do echo "line $i $j" >> log; done) & done; wait; [ "$(sort -u log | wc -l)" = 200 ]; [ "$(wc -l < log)" = 200 ]`,
  'rename over an existing name': `
for i in $(seq 50); do echo $i > new; mv new current; [ "$(cat current)" = $i ]; done; [ "$(ls)" = current ]`,
  'find, grep, sed -i, install, touch, patch-like rewriting': `
mkdir d; echo 'a=1' > d/conf; sed -i s/1/2/ d/conf; grep -rq a=2 .; install -m 600 d/conf d/copy; [ "$(stat -c %a d/copy)" = 600 ]
touch -d @1 d/conf; [ "$(find . -not -newermt 1971-01-01 -type f)" = ./d/conf ]`,
  git: `
git init -q .; git config user.email a@b; git config user.name n; seq 1000 > f; git add f; git commit -qm one; seq 2000 > f; git commit -qam two; git gc -q
[ "$(git log --oneline | wc -l)" = 2 ]; git checkout -q HEAD~1; [ "$(wc -l < f)" = 1000 ]; git fsck --strict 2> /dev/null`,
  'sqlite3 .backup and VACUUM INTO': `
sqlite3 a.db 'pragma journal_mode=wal; create table t (x); insert into t select value from generate_series(1, 10000)' > /dev/null
sqlite3 a.db '.backup b.db'; sqlite3 a.db "vacuum into 'c.db'"; cp a.db d.db
for f in b c d; do [ "$(sqlite3 $f.db 'pragma integrity_check; select count(*) from t')" = $'ok\\n10000' ]; done`,
  'wal_checkpoint in every mode, and a change of journal mode': `
sqlite3 a.db 'pragma journal_mode=wal; create table t (x); insert into t values (1)' > /dev/null
for mode in passive full restart truncate; do [ "$(sqlite3 a.db "insert into t values (2); pragma wal_checkpoint($mode)" | cut -d'|' -f1)" = 0 ]; done
[ "$(sqlite3 a.db 'pragma journal_mode=delete')" = delete ]; [ ! -e a.db-wal ]; [ "$(sqlite3 a.db 'select count(*) from t; vacuum; pragma integrity_check')" = $'5\\nok' ]`,
  'SQLite with mmap, with exclusive locking and with ATTACH': `
sqlite3 a.db 'pragma mmap_size=100000000; create table t (x); insert into t select randomblob(1000) from generate_series(1, 1000); select count(*) from t' > /dev/null
sqlite3 b.db "pragma locking_mode=exclusive; create table u (x); insert into u values (1); attach 'a.db' as a; insert into u select count(*) from a.t" > /dev/null
[ "$(sqlite3 b.db 'select sum(x) from u; pragma integrity_check')" = $'1001\\nok' ]; [ "$(sqlite3 a.db 'pragma mmap_size=100000000; pragma integrity_check' | tail -1)" = ok ]`,
};

describe.each(['on', 'off'] as const)('with passthrough %s', (passthrough) => {
  let mount: TempMount;
  let folders = 0;
  beforeAll(async () => {
    mount = await tempMount({ passthrough });
  });
  afterAll(() => mount?.close());

  test.each(Object.entries(sessions))('%s', async (_tool, script) => {
    const folder = `${folders++}`;
    const setup = `set -eo pipefail; mkdir "$MOUNT/${folder}" "$OUTSIDE"; cd "$MOUNT/${folder}"; DATA="$DATA/${folder}"\n`;
    const env = { MOUNT: mount.mountPoint, DATA: mount.dataDir, OUTSIDE: `${mount.dataDir}-${folder}` };
    const { code, stderr } = await run('bash', ['-xc', setup + script], { env, timeoutMs: 100_000 });
    await run('rm', ['-rf', env.OUTSIDE]);
    expect(code, stderr).toBe(0);
  });

  test('1,000 transactions of a connected WAL client cause no READ, WRITE or GETXATTR request where the kernel passes data through', async () => {
    const file = `${mount.mountPoint}/quiet.db`;
    const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma journal_mode=wal'); db.execute('create table t (x)'); db.execute('insert into t values (0)')
print('connected', flush=True); sys.stdin.readline()
for i in range(1000): db.execute('insert into t values (?)', (i,))
print('done', flush=True); sys.stdin.readline()
`;
    const client = start('python3', ['-c', script, file]);
    try {
      await eventually(() => expect(client.stdout()).toContain('connected'));
      const before = (await mount.status()).requests;
      client.process.stdin?.write('\n');
      await eventually(() => expect(client.stdout()).toContain('done'), { timeoutMs: 100_000 });
      const after = (await mount.status()).requests;
      const during = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
      expect(during('GETXATTR')).toBe(0);
      if (passthrough === 'on') expect([during('READ'), during('WRITE')]).toEqual([0, 0]);
      else expect(during('WRITE')).toBeGreaterThan(1000);
      client.process.stdin?.end('\n');
      expect((await client.finished).code).toBe(0);
    } finally {
      client.process.kill('SIGKILL');
    }
  });
});

test('a link that points out of the data directory is only text to the daemon', async () => {
  const mount = await tempMount();
  try {
    // In a mount namespace where /etc is hidden, as in a container: the target is the client's, not the daemon's.
    const script = `set -e; cd "$MOUNT"; ln -s /etc/hostname up; mount -t tmpfs none /etc; echo mine > /etc/hostname; [ "$(cat up)" = mine ]`;
    const finished = await run('unshare', ['--mount', 'bash', '-c', script], { env: { MOUNT: mount.mountPoint } });
    expect(finished).toMatchObject({ code: 0, stderr: '' });
  } finally {
    await mount.close();
  }
});
