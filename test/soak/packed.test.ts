// The packed program as a stranger installs it: npm install -g of the tarball into a fresh Debian with only Node added,
// then the first screen of the README. Needs the network for Debian's compiler and npm's packages; takes minutes.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { withMachine } from '../helpers/machine.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');

describe.skipIf(!canRunContainers)('the packed tarball', () => {
  prepareDebianRoot();

  test('installs into an empty prefix, runs the first screen of the README, and runs as a service', async () => {
    await withMachine(
      async (machine) => {
        const packed = await run('npm', ['pack', '--pack-destination', machine.disk], {
          cwd: checkout,
          timeoutMs: 120_000,
        });
        expect(packed.code, packed.stderr).toBe(0);
        const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';

        // Nothing of the checkout is left to be found by accident; npm and Node's headers belong to this machine's
        // Node.
        await machine.ok('rm /usr/local/bin/hoody-sqlite; umount /opt/hoody-sqlite');
        const npmRoot = (await run('npm', ['root', '--global'])).stdout.trim();
        await run('cp', ['-rL', join(npmRoot, 'npm'), join(machine.disk, 'npm')]);
        mkdirSync(join(machine.disk, 'include'));
        await run('cp', ['-r', resolve(process.execPath, '../../include/node'), join(machine.disk, 'include')]);
        // Where the network is behind a proxy with a certificate of its own.
        const certificates = process.env.NODE_EXTRA_CA_CERTS;
        if (certificates !== undefined) copyFileSync(certificates, join(machine.disk, 'certificates'));
        await machine.ok(
          'apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 make g++ ca-certificates curl >/dev/null',
          600_000,
        );
        const npm = `NODE_EXTRA_CA_CERTS=${certificates === undefined ? '' : '/srv/certificates'} node /srv/npm/bin/npm-cli.js --nodedir=/srv --fund=false --audit=false`;
        await machine.ok(`${npm} install --global --prefix /srv/prefix /srv/${tarball}`, 1_200_000);

        await machine.ok('ln -s /srv/prefix/bin/hoody-sqlite /usr/local/bin/hoody-sqlite');
        expect(await machine.ok('hoody-sqlite version')).toMatch(/^hoody-sqlite \d/);
        expect(
          await machine.ok(
            'hoody-sqlite service install --data /srv/db --state-dir /srv/state --listen 127.0.0.1:18484',
          ),
        ).toMatch(/running/);
        expect(await machine.ok(firstScreen().replace('8484', '18484'), 60_000)).toContain('"Ada"');
        await machine.ok('hoody-sqlite service uninstall');
      },
      { network: 'host' },
    );
  }, 2_400_000);
});

/** The shell block of the README that a newcomer pastes. */
function firstScreen(): string {
  const readme = readFileSync(join(checkout, 'README.md'), 'utf8');
  const block = /```sh\n(.*?)```/s.exec(readme)?.[1];
  if (block === undefined) throw new Error('the README has no shell block');
  return block;
}
