import { expect, test } from 'vitest';
import { createLog, type LogFormat } from '../../../daemon/log.ts';

const time = new Date('2026-01-02T03:04:05.678Z');

function logTo(isTTY: boolean, format: LogFormat = 'auto') {
  const lines: string[] = [];
  const log = createLog({ isTTY, write: (text) => lines.push(text) }, 'info', { format, now: () => time });
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

test.each([true, false])('--log-format wins over what the output is (terminal: %s)', (isTTY) => {
  const written = (format: LogFormat) => {
    const { log, lines } = logTo(isTTY, format);
    log.error('bug', { reason: 'a\nb' });
    return lines.join('');
  };
  expect(written('json')).toMatch(/^\{"time".*\}\n$/);
  expect(written('text')).toBe('03:04:05.678 error bug reason=a\nb\n');
  expect(written('journal')).toBe('<3>bug reason=a\\nb\n');
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
