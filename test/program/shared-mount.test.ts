// Several daemons on one machine: an HTTP-only one over the mount of another, and the directories they must not share.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type DaemonPaths, startDaemon, withDaemon } from '../helpers/daemon.ts';
import { run } from '../helpers/process.ts';

/** Another container: nothing of the first daemon's run-time folder is seen there. */
function elsewhere(first: DaemonPaths, data: string): DaemonPaths {
  const folder = join(first.folder, 'elsewhere');
  return {
    folder: first.folder,
    mount: join(folder, 'mount'),
    data,
    stateDir: join(folder, 'state'),
    runDir: join(folder, 'run'),
  };
}

test('an HTTP-only daemon serves the mount of another one', async () => {
  await withDaemon([], async (owner) => {
    await run('sqlite3', [join(owner.mount, 'app.db'), 'CREATE TABLE t(a); INSERT INTO t VALUES(7)']);
    await withDaemon(
      ['--no-mount'],
      async (client) => {
        const sql = Buffer.from('SELECT a FROM t').toString('base64');
        const answer = await fetch(`${client.url}/api/v1/sqlite/query?db=app.db&sql=${encodeURIComponent(sql)}`);
        expect(await answer.text()).toContain('7');
      },
      { paths: elsewhere(owner, owner.mount) },
    );
    expect((await owner.status()).mount).toBe(owner.mount);
  });
});

test('a mount over the mount of another daemon is refused: it would be a second lock domain', async () => {
  await withDaemon([], async (owner) => {
    const refused = await startDaemon(elsewhere(owner, owner.mount), []).finished;
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--no-mount') });
  });
});

test('a data directory and a mount point are refused across run-time folders too', async () => {
  await withDaemon([], async (owner) => {
    const sameData = await startDaemon(elsewhere(owner, owner.data), ['--no-mount']).finished;
    expect(sameData).toMatchObject({ code: 4, stderr: expect.stringContaining(String(owner.pid)) });
    const other = elsewhere(owner, join(owner.folder, 'other-data'));
    expect(await startDaemon(other, ['--mount', owner.mount]).finished).toMatchObject({ code: 4 });
    expect((await fetch(`${owner.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(await run('touch', [join(owner.mount, 'works')])).toMatchObject({ code: 0 });
  });
});
