// The archive process as the supervisor keeps it, with a stand-in for the process itself.
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ArchiveService } from '../../../daemon/archive/archive-service.ts';
import { createLog } from '../../../daemon/log.ts';
import { eventually } from '../../helpers/eventually.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Echoes questions; `committed` messages are listed by the question `last-rewind`. */
const obedient = `
const told = [];
let options;
process.on('disconnect', () => process.exit());
process.on('message', (m) => {
  if (m.type === 'start') { options = m.options; process.send({ type: 'ready' }); }
  if (m.type === 'committed') told.push(...m.databases);
  if (m.type === 'stop') process.exit(0);
  if (m.type !== 'query') return;
  const inherited = options.hasKeptState ? require('fs').readFileSync(3, 'utf8') : null;
  const value = m.name === 'alive' ? true : { ok: true, value: { question: m.args, options, told, inherited } };
  process.send({ type: 'answer', id: m.id, value });
});`;

const options = {
  dataDir: '/d',
  archiveDir: '/s/archive',
  include: [],
  exclude: [],
  retention: { everyCommitSeconds: 1, thinnedSeconds: 2, budgetBytes: 3 },
};

async function withService(
  program: string,
  test: (service: ArchiveService, use: (program: string) => void) => Promise<void>,
  memoryFd: () => number | undefined = () => undefined,
): Promise<void> {
  const programPath = join(folder, `${Math.random()}.cjs`);
  writeFileSync(programPath, program);
  const log = createLog({ write: () => {} }, 'error');
  const service = new ArchiveService({ options: () => options, memoryFd, log, programPath });
  service.start();
  try {
    await test(service, (text) => writeFileSync(programPath, text));
  } finally {
    await service.stop();
  }
}

const pidOf = (service: ArchiveService) => service.process.current?.pid;

test('a question waits for the process, and gets its answer', async () => {
  await withService(obedient, async (service) => {
    expect(await service.question({ op: 'status' })).toEqual({
      ok: true,
      value: { question: { op: 'status' }, options: { ...options, hasKeptState: false }, told: [], inherited: null },
    });
    await service.ask();
  });
});

test('each new process gets the memory as it is then', async () => {
  const memories = ['first', 'second'].map((text) => {
    writeFileSync(join(folder, text), text);
    return () => openSync(join(folder, text), 'r');
  });
  let which = 0;
  await withService(
    obedient,
    async (service) => {
      expect(await service.question({ op: 'status' })).toMatchObject({ value: { inherited: 'first' } });
      which = 1;
      await service.restart();
      expect(await service.question({ op: 'status' })).toMatchObject({ value: { inherited: 'second' } });
    },
    () => memories[which]?.(),
  );
});

test('it is told what was written', async () => {
  await withService(obedient, async (service) => {
    await service.question({ op: 'status' });
    service.committed(['a.db', 'b/c.db']);
    service.committed([]);
    await eventually(async () => {
      expect(await service.question({ op: 'status' })).toMatchObject({ value: { told: ['a.db', 'b/c.db'] } });
    });
  });
});

test('one that dies is followed by another', async () => {
  await withService(obedient, async (service) => {
    await service.question({ op: 'status' });
    const pid = pidOf(service);
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await eventually(() => expect(service.process.restarts).toBe(1));
    expect(pidOf(service)).not.toBe(pid);
    expect(await service.question({ op: 'status' })).toMatchObject({ ok: true });
  });
});

test('one that cannot start says why to whoever asks, and is tried again', async () => {
  const refusing = `process.on('message', () => process.send({ type: 'failed', code: 'EROFS', message: 'no room', hint: 'make some' }));
process.on('disconnect', () => process.exit());`;
  await withService(refusing, async (service, use) => {
    await eventually(() => expect(service.process.lastFailure).toBe('no room (make some)'));
    const answer = await service.question({ op: 'status' });
    if (!answer.ok)
      expect(answer).toMatchObject({ code: 'timeout', message: expect.stringContaining('no room (make some)') });
    expect(answer.ok).toBe(false);
    await service.ask(); // it is no silence
    use(obedient);
    await eventually(() => expect(service.process.current?.isReady).toBe(true), { timeoutMs: 15_000 });
  });
});

test('a question that the process does not survive is answered, and one that it does not answer in time as well', async () => {
  const dying = obedient.replace("if (m.type !== 'query') return;", "if (m.type === 'query') process.exit(3);");
  await withService(dying, async (service) => {
    expect(await service.question({ op: 'settle', database: 'a.db' })).toMatchObject({ ok: false, code: 'timeout' });
  });
  const silent = obedient.replace("if (m.type !== 'query') return;", 'return;');
  await withService(silent, async (service) => {
    await eventually(() => expect(service.process.current?.isReady).toBe(true));
    expect(await service.status()).toBeUndefined();
    await expect(service.ask()).rejects.toThrow('does not answer');
  });
});
