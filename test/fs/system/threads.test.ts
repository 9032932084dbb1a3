// What /proc says of a process, read whole; and nothing where there is none.
import { expect, test } from 'vitest';
import { processOf, readProc, startTimeOf } from '../../../fs/system/threads.ts';
import { eventually } from '../../helpers/eventually.ts';
import { start } from '../../helpers/process.ts';

test('a text of any length is read whole', async () => {
  const argument = 'x'.repeat(20_000);
  const child = start('sh', ['-c', 'read line', argument]);
  try {
    await eventually(() => expect(readProc(`/proc/${child.pid}/cmdline`)).toBe(`sh\0-c\0read line\0${argument}\0`));
  } finally {
    child.process.kill('SIGKILL');
    await child.finished;
  }
});

test('a process that is gone has no text, no start and no process', async () => {
  const child = start('true', []);
  await child.finished;
  expect(readProc(`/proc/${child.pid}/stat`)).toBe('');
  expect(startTimeOf(child.pid)).toBe('');
  expect(processOf(child.pid)).toBeUndefined();
});

test('a thread belongs to its process, which began at some time', () => {
  expect(processOf(process.pid)).toBe(process.pid);
  expect(Number(startTimeOf(process.pid))).toBeGreaterThan(0);
});
