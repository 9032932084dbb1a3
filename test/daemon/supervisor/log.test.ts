import { expect, test } from 'vitest';
import { createLog } from '../../../daemon/log.ts';

const time = new Date('2026-01-02T03:04:05.678Z');

function logTo(isTTY: boolean) {
  const lines: string[] = [];
  const log = createLog({ isTTY, write: (text) => lines.push(text) }, 'info', () => time);
  return { log, lines };
}

test('an event is one JSON line', () => {
  const { log, lines } = logTo(false);
  log.warn('mount-in-use', { users: 'a\nb', count: 2 });
  expect(lines).toEqual([
    '{"time":"2026-01-02T03:04:05.678Z","level":"warn","event":"mount-in-use","users":"a\\nb","count":2}\n',
  ]);
});

test('on a terminal an event is a line for a person', () => {
  const { log, lines } = logTo(true);
  log.info('ready', { url: 'http://x', ports: [1] });
  expect(lines).toEqual(['03:04:05.678 info  ready url=http://x ports=[1]\n']);
});

test('events below the level are left out, and the level may change', () => {
  const { log, lines } = logTo(false);
  log.debug('one');
  log.setLevel('debug');
  log.debug('two');
  log.setLevel('error');
  log.warn('three');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('two');
});

test('the newest error is remembered', () => {
  const { log } = logTo(false);
  expect(log.lastError()).toBeUndefined();
  log.error('child-died', { role: 'fs' });
  log.warn('later');
  expect(log.lastError()).toEqual({ time: time.toISOString(), event: 'child-died', fields: { role: 'fs' } });
});
