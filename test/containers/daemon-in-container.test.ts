// The daemon itself in a container, with the few rights that docs/containers.md names, for clients in other containers.
import { mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  bind,
  type Container,
  daemonCapabilities,
  fuseDevice,
  hostFolder,
  programBinds,
  startContainer,
  withSharedPaths,
} from '../helpers/containers.ts';
import { withDaemon } from '../helpers/daemon.ts';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';

describe.skipIf(!canRunContainers)('a daemon in a container', () => {
  prepareDebianRoot();

  test('mounts for the host and for other containers', async () => {
    await withSharedPaths(async (paths) => {
      mkdirSync(paths.data);
      const containers: Container[] = [];
      try {
        const server = await startContainer(paths, 'daemon', {
          script:
            'exec node /opt/hoody-sqlite/dist/daemon/main.js start --require-mount --passthrough on --listen 127.0.0.1:0 --drain 1',
          capabilities: daemonCapabilities,
          hostPids: true,
          sharesMounts: true,
          devices: [fuseDevice],
          mounts: [
            ...programBinds,
            bind(hostFolder(paths), '/hoody', 'rshared'),
            bind(paths.data, '/var/lib/hoody/databases'),
            { destination: '/run', type: 'tmpfs', source: 'tmpfs' },
            { destination: '/var/lib/hoody-sqlite', type: 'tmpfs', source: 'tmpfs' },
          ],
        });
        containers.push(server);
        await eventually(() => expect(server.stdout(), server.stderr()).toContain('ready mount=/hoody/databases'));
        const client = await startContainer(paths, 'client', {
          script: `sqlite3 /hoody/databases/app.db "CREATE TABLE t (x); INSERT INTO t VALUES (1)" && echo written`,
        });
        containers.push(client);
        expect(await client.finished).toMatchObject({ code: 0, stdout: 'written\n' });
        expect(readdirSync(paths.data)).toContain('app.db');
      } finally {
        for (const container of containers.reverse()) await container.remove();
      }
    });
  });

  test('only serves HTTP as a sidecar over the shared mount, without any right', async () => {
    await withSharedPaths(async (paths) => {
      await withDaemon(
        [],
        async (daemon) => {
          const sidecar = await startContainer(paths, 'sidecar', {
            script:
              'exec node /opt/hoody-sqlite/dist/daemon/main.js start --no-mount --data /hoody/databases --state-dir /tmp/state --run-dir /tmp/run --listen 127.0.0.1:0 --drain 1',
            uid: 65_534,
            mounts: programBinds,
          });
          try {
            const url = await eventually(() => {
              const found = /url=(\S+)\n/.exec(sidecar.stdout())?.[1];
              if (found === undefined) throw new Error(`the sidecar is not ready: ${sidecar.stderr()}`);
              return found;
            });
            const client = await startContainer(paths, 'client', {
              script: `cd /hoody/databases; mkdir own; chmod 777 own; umask 0; sqlite3 own/app.db "CREATE TABLE t (x); INSERT INTO t VALUES (7)"`,
            });
            expect(await client.finished).toMatchObject({ code: 0, stderr: '' });
            const answer = await fetch(`${url}/api/v1/sqlite/query?db=/hoody/databases/own/app.db&sql=SELECT+x+FROM+t`);
            expect(await answer.json()).toMatchObject({ resultSet: [{ x: 7 }] });
            // Through the mount, as the daemon's own status shows: nothing bypasses its locks.
            expect((await daemon.status()).fuse.handles).toBeGreaterThan(0);
          } finally {
            await sidecar.remove();
          }
        },
        { paths },
      );
    });
  });
});
