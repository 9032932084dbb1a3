// The survival loops of test/survival with the counts of the promise.
import { expect, test } from 'vitest';
import { killProcess, pidOf, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { deaths, underLoad } from '../survival/rounds.ts';

const hourMs = 3_600_000;
const say = (what: string, result: object) => process.stderr.write(`${what}: ${JSON.stringify(result)}\n`);

test('200 times kill -9 of the fs process: 0 errors', { timeout: hourMs }, async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 200, () => killProcess(daemon, 'fs'));
    say('fs process killed 200 times', result);
    expect(result.errors).toEqual([]);
  });
});

test('200 times kill -9 of the server process or an executor', { timeout: hourMs }, async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 200, (round) =>
      killProcess(daemon, round % 2 === 0 ? 'server' : 'executor'),
    );
    say('server or executor killed 200 times', { ...result, errors: result.errors.length });
    expect(result.errors.filter((error) => !error.startsWith('http-'))).toEqual([]);
  });
});

test('100 times kill -9 of all processes', { timeout: hourMs }, async () => {
  await withPaths(async (paths) => {
    say('all processes killed 100 times', await deaths(paths, 100, ({ processes }) => processes.map(({ pid }) => pid)));
  });
});

test('30 times kill -9 of the supervisor alone', { timeout: hourMs }, async () => {
  await withPaths(async (paths) => {
    const supervisor = ({ processes }: Parameters<Parameters<typeof deaths>[2]>[0]) =>
      processes.flatMap(({ role, pid }) => (role === 'supervisor' ? [pid] : []));
    say('supervisor killed 30 times', await deaths(paths, 30, supervisor));
  });
});

test('20 reloads: 0 errors', { timeout: hourMs }, async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 20, async () => {
      expect(await daemon.command('reload')).toMatchObject({ code: 0 });
    });
    say('reloaded 20 times', result);
    expect(result.errors).toEqual([]);
  });
});

test('an fs process and a server that stay stopped are replaced, and no client on the mount sees an error', {
  timeout: hourMs,
}, async () => {
  await withDaemon([], async (daemon) => {
    const startedMs = performance.now();
    const result = await underLoad(daemon, 2, async (round) => {
      const role = round === 0 ? 'fs' : 'server';
      const pid = await pidOf(daemon, role);
      process.kill(pid, 'SIGSTOP');
      await eventually(async () => expect(await pidOf(daemon, role)).not.toBe(pid), { timeoutMs: 60_000 });
    });
    say(`stopped fs process and server replaced in ${Math.round(performance.now() - startedMs)} ms`, result);
    expect(result.errors.filter((error) => !error.startsWith('http-'))).toEqual([]);
  });
});
