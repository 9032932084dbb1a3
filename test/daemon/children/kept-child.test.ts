import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Child } from '../../../daemon/children/child.ts';
import { KeptChild, type KeptChildSpec } from '../../../daemon/children/kept-child.ts';
import { sentenceOf } from '../../../daemon/errors.ts';
import { createLog } from '../../../daemon/log.ts';
import { eventually } from '../../helpers/eventually.ts';
import { isAlive } from '../../helpers/process.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A child that keeps the rules of ARCHITECTURE.md and does nothing else.
const obedient = `
process.on('disconnect', () => process.exit());
process.on('message', (m) => {
  if (m.type === 'start') process.send({ type: 'ready', options: m.options });
  if (m.type === 'query') process.send(m.name === 'bad' ? { type: 'answer', id: m.id, error: 'no' } : { type: 'answer', id: m.id, value: m.args });
  if (m.type === 'stop') process.exit(0);
});`;

function keep(program: string, more: Partial<KeptChildSpec> = {}, logTo: (line: string) => void = () => {}): KeptChild {
  const programPath = join(folder, `${Math.random()}.cjs`);
  writeFileSync(programPath, program);
  const log = createLog({ write: logTo }, 'error');
  const spawn = () =>
    new Child({
      role: 'fs',
      programPath,
      inheritedFds: [openSync('/dev/null', 'r')],
      startOptions: { dataDir: '/d' },
      onMessage: () => {},
      log,
    });
  return new KeptChild({ role: 'fs', spawn, log, ...more });
}

/** Like keep; `use` says which program the next process is of. */
function keepChanging(first: string): { readonly kept: KeptChild; readonly use: (program: string) => void } {
  const programPath = join(folder, `${Math.random()}.cjs`);
  const use = (program: string) => writeFileSync(programPath, program);
  use(first);
  const log = createLog({ write: () => {} }, 'error');
  const spawn = () =>
    new Child({ role: 'fs', programPath, inheritedFds: [], startOptions: {}, onMessage: () => {}, log });
  return { kept: new KeptChild({ role: 'fs', spawn, log }), use };
}

test('a child gets its options and answers queries', async () => {
  const kept = keep(obedient);
  expect(await kept.start()).toMatchObject({ type: 'ready', options: { dataDir: '/d' } });
  expect(await kept.current?.query('echo', [1])).toEqual([1]);
  await expect(kept.current?.query('bad')).rejects.toThrow('no');
  await kept.stop({ type: 'stop' }, 10_000);
  expect(kept.current).toBeUndefined();
});

test('the stack of an error that ends a child reaches the log', async () => {
  const lines: string[] = [];
  const failing = obedient.replace(
    "if (m.type === 'query')",
    "if (m.type === 'query') process.send({ type: 'failed', code: 'internal', message: new Error('a bug').stack }, () => process.exit(1)); else if (0)",
  );
  const kept = keep(failing, {}, (line) => lines.push(line));
  await kept.start();
  await expect(kept.current?.query('fail')).rejects.toThrow('has ended');
  expect(lines.join('')).toMatch(/"child-failed".*Error: a bug\\n\s+at /);
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a child that dies is started again, and again', async () => {
  const kept = keep(obedient);
  await kept.start();
  for (const restarts of [1, 2]) {
    const pid = kept.current?.pid ?? Number.NaN;
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(kept.restarts).toBe(restarts));
    expect(kept.current?.pid).not.toBe(pid);
  }
  expect(kept.lastExit?.signal).toBe('SIGKILL');
  await kept.stop({ type: 'stop' }, 10_000);
});

test('messages that a dying child does not get are no end of it: how it has ended is known', async () => {
  const kept = keep(obedient);
  await kept.start();
  const pid = kept.current?.pid ?? Number.NaN;
  process.kill(pid, 'SIGKILL');
  // Without a turn of the event loop in between, so that the broken channel is noticed before the end.
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
  kept.send({ type: 'told', text: 'x'.repeat(1e7) }); // more than the channel holds
  await eventually(() => expect(kept.restarts).toBe(1));
  expect(kept.lastExit).toEqual({ code: null, signal: 'SIGKILL' });
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a query that is under way when the child dies is rejected', async () => {
  const kept = keep(
    `process.on('message', (m) => { if (m.type === 'start') process.send({ type: 'ready' }); if (m.type === 'query') process.exit(3); });`,
  );
  await kept.start();
  await expect(kept.current?.query('anything')).rejects.toThrow('exit code 3');
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a first start that fails rejects with the reason of the child and leaves no process', async () => {
  const kept = keep(
    `process.on('message', () => process.send({ type: 'failed', code: 'X', message: 'no passthrough here', hint: 'do without' })); setInterval(() => {}, 1000);`,
  );
  const error = await kept.start().catch((thrown: unknown) => thrown);
  expect(sentenceOf(error)).toBe('no passthrough here (do without)');
  expect(kept.current).toBeUndefined();
});

test('a child that is begun in the background is tried again where it does not start', async () => {
  const { kept, use } = keepChanging('process.exit(7);');
  kept.begin();
  await eventually(() => expect(kept.lastFailure).toContain('exit code 7'));
  use(obedient);
  await eventually(() => expect(kept.current?.isReady).toBe(true));
  expect(kept.lastFailure).toBeUndefined();
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a child that starts at once in the background counts no restart', async () => {
  const kept = keep(obedient);
  kept.begin();
  await eventually(() => expect(kept.current?.isReady).toBe(true));
  expect(kept.restarts).toBe(0);
  await kept.stop({ type: 'stop' }, 10_000);
});

test('one that may not run beside another is restarted only when the old one has ended, and that is no death', async () => {
  const alone = join(folder, 'alone');
  const jealous = obedient.replace(
    "process.on('disconnect'",
    `const fs = require('fs'); fs.writeFileSync(${JSON.stringify(alone)}, '', { flag: 'wx' });
     process.on('exit', () => fs.rmSync(${JSON.stringify(alone)})); process.on('disconnect'`,
  );
  const lines: string[] = [];
  const kept = keep(jealous, {}, (line) => lines.push(line));
  kept.begin();
  await eventually(() => expect(kept.current?.isReady).toBe(true));
  const pid = kept.current?.pid;
  await kept.restart({ type: 'stop' }, 10_000);
  await eventually(() => expect(kept.current?.isReady).toBe(true));
  expect(kept.current?.pid).not.toBe(pid);
  expect(kept.restarts).toBe(0);
  expect(lines).toEqual([]);
  kept.current?.kill();
  await eventually(() => expect(lines.join('')).toContain('child-died'));
  rmSync(alone);
  await eventually(() => expect(kept.current?.isReady).toBe(true));
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a restart whose preparation fails is tried again', async () => {
  let attempts = 0;
  const kept = keep(obedient, {
    beforeRestart: async () => {
      attempts += 1;
      if (attempts < 3) throw new Error('not yet');
    },
  });
  await kept.start();
  kept.current?.kill();
  await eventually(() => expect(kept.restarts).toBe(1));
  expect(attempts).toBe(3);
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a stop ends the wait for a restart', async () => {
  const kept = keep(obedient, {
    beforeRestart: (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  await kept.start();
  kept.current?.kill();
  await eventually(() => expect(kept.current).toBeUndefined());
  await kept.stop({ type: 'stop' }, 10_000);
});

describe('a replacement', () => {
  const standsBy = obedient.replace(
    "if (m.type === 'start')",
    "if (m.type === 'start') process.send({ type: 'standby' }), ",
  );
  const dies = `process.on('message', () => process.exit(7));`;
  const failsLater = `
process.on('message', (m) => {
  if (m.type !== 'start') return;
  process.send({ type: 'standby' });
  setTimeout(() => process.send({ type: 'failed', message: 'no way' }), 100);
});`;

  test('that stands by takes the place of the old process', async () => {
    const { kept, use } = keepChanging(standsBy);
    await kept.start();
    const old = kept.current?.pid ?? Number.NaN;
    use(standsBy);
    await kept.replace({ type: 'stop' }, 10_000);
    expect(kept.current?.pid).not.toBe(old);
    expect(await isAlive(old)).toBe(false);
    await kept.stop({ type: 'stop' }, 10_000);
  });

  test.each(['replace', 'succeed'] as const)('that dies before costs the old process nothing (%s)', async (how) => {
    const { kept, use } = keepChanging(standsBy);
    await kept.start();
    const old = kept.current?.pid ?? Number.NaN;
    use(dies);
    const refused = await kept[how]({ type: 'stop' }, 10_000).catch((error: Error) => error.message);
    expect(refused).toContain('exit code 7');
    expect(refused).toContain('the old one serves on');
    expect(kept.current?.pid).toBe(old);
    expect(await kept.current?.query('echo', [1])).toEqual([1]);
    // It is still watched: a death of its own has a successor.
    use(standsBy);
    process.kill(old, 'SIGKILL');
    await eventually(() => expect(kept.restarts).toBe(1));
    await kept.stop({ type: 'stop' }, 10_000);
  });

  test('that dies after the old process has died as well is followed by the next one', async () => {
    const { kept, use } = keepChanging(standsBy);
    await kept.start();
    const old = kept.current?.pid ?? Number.NaN;
    use(dies);
    const replaced = kept.replace({ type: 'stop' }, 10_000).catch((error: Error) => error.message);
    const dying = kept.current?.pid ?? Number.NaN;
    process.kill(old, 'SIGKILL');
    await eventually(async () => expect(await isAlive(dying)).toBe(false));
    use(standsBy);
    expect(await replaced).toContain('does not start');
    await eventually(() => expect(kept.current?.isReady).toBe(true));
    expect(kept.restarts).toBe(1);
    await kept.stop({ type: 'stop' }, 10_000);
  });

  test('that fails after it stood by is followed by another one', async () => {
    const { kept, use } = keepChanging(standsBy);
    await kept.start();
    const old = kept.current?.pid ?? Number.NaN;
    use(failsLater);
    const replaced = kept.replace({ type: 'stop' }, 10_000).catch((error: Error) => error.message);
    await eventually(async () => expect(await isAlive(old)).toBe(false));
    use(standsBy);
    expect(await replaced).toContain('another one is being started');
    await eventually(() => expect(kept.restarts).toBe(1));
    await kept.stop({ type: 'stop' }, 10_000);
  });
});

test('a child that ignores the stop is killed after its time', async () => {
  const kept = keep(`process.on('message', (m) => { if (m.type === 'start') process.send({ type: 'ready' }); });`);
  await kept.start();
  const pid = kept.current?.pid ?? Number.NaN;
  await kept.stop({ type: 'stop' }, 100);
  expect(await isAlive(pid)).toBe(false);
});

test('a successor that gets ready after the old one has died, and has been followed, ends again', async () => {
  const [pids, go] = [join(folder, 'pids'), join(folder, 'go')];
  // The second process to be started gets ready only once the file is there.
  const slowSecond = `
const fs = require('node:fs');
fs.appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n');
const mayStart = () => fs.readFileSync(${JSON.stringify(pids)}, 'utf8').split('\\n')[1] !== String(process.pid) || fs.existsSync(${JSON.stringify(go)});
process.on('message', (m) => {
  if (m.type === 'start') setInterval(() => { if (mayStart()) process.send({ type: 'ready' }); }, 5);
  if (m.type === 'stop') process.exit(0);
});`;
  const kept = keep(slowSecond);
  await kept.start();
  const started = () => readFileSync(pids, 'utf8').split('\n').filter(Boolean).map(Number);
  const succession = kept.succeed({ type: 'stop' }, 10_000);
  await eventually(() => expect(started()).toHaveLength(2));
  kept.current?.kill();
  await eventually(() => expect(kept.restarts).toBe(1));
  writeFileSync(go, '');
  await succession;
  const [, successor = 0, follower] = started();
  expect(kept.current?.pid).toBe(follower);
  await eventually(async () => expect(await isAlive(successor)).toBe(false));
  await kept.stop({ type: 'stop' }, 10_000);
});

test('what changes while a successor gets ready is told to it too: its options were made before', async () => {
  const heard = join(folder, 'heard');
  // The first one is ready when it is told to start, its successor when it has heard of the change.
  const second = `
const fs = require('node:fs');
const isFirst = !fs.existsSync(${JSON.stringify(heard)});
fs.appendFileSync(${JSON.stringify(heard)}, '');
process.on('message', (m) => {
  if (m.type === 'start' && isFirst) process.send({ type: 'ready' });
  if (m.type === 'changed') fs.appendFileSync(${JSON.stringify(heard)}, isFirst ? 'first ' : 'second ');
  if (m.type === 'changed' && !isFirst) process.send({ type: 'ready' });
  if (m.type === 'stop') process.exit(0);
});`;
  const kept = keep(second);
  await kept.start();
  const succession = kept.succeed({ type: 'stop' }, 10_000);
  kept.send({ type: 'changed' });
  await succession;
  expect(readFileSync(heard, 'utf8').split(' ').sort()).toEqual(['', 'first', 'second']);
  await kept.stop({ type: 'stop' }, 10_000);
});

test('a question to a process that stays silent is rejected with its role', async () => {
  const kept = keep(`process.on('message', (m) => { if (m.type === 'start') process.send({ type: 'ready' }); });`);
  await kept.start();
  await expect(kept.current?.query('anything', undefined, 50)).rejects.toThrow('the fs process does not answer');
  await kept.stop({ type: 'stop' }, 100);
});
