// Who may do what: modes and owners decide on the mount as on any directory, and over HTTP those of the user that
// serves it.
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { startContainer, withSharedPaths } from '../helpers/containers.ts';
import { startDaemon, withDaemon } from '../helpers/daemon.ts';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { uidOf } from '../helpers/process.ts';

const nobody = 65_534;
const stranger = 12_345;

function makeDatabase(path: string, owner: number, mode: number): void {
  const db = new Database(path);
  db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
  db.close();
  chownSync(path, owner, owner);
  chmodSync(path, mode);
}

describe.skipIf(!canRunContainers)('with --user nobody', () => {
  prepareDebianRoot();

  test('the mount answers EACCES and HTTP 403 to whoever may not read a file', async () => {
    await withSharedPaths(async (paths) => {
      chmodSync(paths.folder, 0o755);
      mkdirSync(paths.data);
      makeDatabase(join(paths.data, 'public.db'), nobody, 0o644);
      makeDatabase(join(paths.data, 'secret.db'), 0, 0o600);
      await withDaemon(
        ['--user', 'nobody'],
        async (daemon) => {
          const ask = (db: string, method = 'GET') =>
            fetch(`${daemon.url}/api/v1/sqlite/query?db=${db}&sql=SELECT+x+FROM+t`, { method });
          expect((await ask('public.db')).status).toBe(200);
          const refused = await ask('secret.db');
          expect(refused.status).toBe(403);
          expect(await refused.json()).toMatchObject({ code: 'FORBIDDEN' });

          // The data directory belongs to root: nobody may make files there.
          const created = await fetch(`${daemon.url}/api/v1/sqlite/db/create?path=new.db`, { method: 'POST' });
          expect(created.status).toBe(403);

          const { processes } = await daemon.status();
          for (const { role, pid } of processes) {
            expect(uidOf(pid), role).toBe(role === 'server' || role === 'executor' ? nobody : 0);
          }

          const script =
            'cd /hoody/databases; id -u; for db in public secret; do sqlite3 $db.db "SELECT x FROM t" || cat $db.db; done; touch new';
          const asStranger = await startContainer(paths, 'stranger', { uid: stranger, script });
          const { stdout, stderr } = await asStranger.finished;
          expect(stdout).toBe(`${stranger}\n1\n`);
          expect(stderr).toMatch(/cat: secret\.db: Permission denied/);
          expect(stderr).toMatch(/touch: cannot touch 'new': Permission denied/);
          const asRoot = await startContainer(paths, 'root', { script });
          expect((await asRoot.finished).stdout).toBe('0\n1\n1\n');
        },
        { paths },
      );
    });
  });

  test('an unknown user is refused by name', async () => {
    await withSharedPaths(async (paths) => {
      const { code, stderr } = await startDaemon(paths, ['--user', 'no-such-user']).finished;
      expect(code).toBe(2);
      expect(stderr).toMatch(/--user: there is no user "no-such-user"/);
    });
  });
});
