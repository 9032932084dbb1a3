// The ship process as the supervisor keeps it, with a stand-in for the process itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Child } from '../../../daemon/children/child.ts';
import { createLog } from '../../../daemon/log.ts';
import { ShipService } from '../../../daemon/ship/ship-service.ts';
import { eventually } from '../../helpers/eventually.ts';

let folder = '';
let programPath = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ship-service-'));
  programPath = join(folder, 'ship.cjs');
  writeFileSync(
    programPath,
    `let options;
    process.on('disconnect', () => process.exit());
    process.on('message', (m) => {
      if (m.type === 'start') { options = m.options; process.send({ type: 'ready' }); }
      if (m.type === 'stop') process.exit(0);
      if (m.type !== 'query') return;
      const { AWS_SECRET_ACCESS_KEY: secret, CREDENTIALS_DIRECTORY: directory, PATH: path } = process.env;
      process.send({ type: 'answer', id: m.id, value: { options, secret, directory, path } });
    });`,
  );
  Object.assign(process.env, { AWS_SECRET_ACCESS_KEY: 'hush', CREDENTIALS_DIRECTORY: '/run/credentials/x' });
});
afterAll(() => {
  delete process.env.AWS_SECRET_ACCESS_KEY;
  delete process.env.CREDENTIALS_DIRECTORY;
  rmSync(folder, { recursive: true });
});

const log = createLog({ write: () => {} }, 'error');
const options = { archiveDir: '/s/archive', workDir: '/s/ship', url: 's3://b', keepSeconds: 1 };

let service: ShipService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

test('it is started with the credentials of the store, asked, and started again when it dies', async () => {
  service = new ShipService({ options, log, programPath });
  expect(await service.status()).toBeUndefined();
  service.start();
  const status = await eventually(async () => {
    const found = await service?.status();
    if (found === undefined) throw new Error('no status yet');
    return found;
  });
  expect(status).toMatchObject({ options, secret: 'hush', directory: '/run/credentials/x', path: process.env.PATH });
  await service.ask();
  const first = service.process.current?.pid ?? Number.NaN;
  process.kill(first, 'SIGKILL');
  await eventually(() => expect(service?.process.current?.isReady && service.process.current.pid !== first).toBe(true));
  expect(service.process.restarts).toBe(1);
});

test('no other child gets the credentials: they run what clients ask for', async () => {
  for (const role of ['fs', 'server', 'archive'] as const) {
    const child = new Child({ role, programPath, inheritedFds: [], startOptions: {}, onMessage: () => {}, log });
    await child.whenReady();
    const told = (await child.query('status')) as Record<string, unknown>;
    await child.stop({ type: 'stop' }, 5_000);
    expect(told).toEqual({ options: {}, path: process.env.PATH });
  }
});
