// The archive process says nothing for a while: what programs and the history notice of it, and which processor it asks
// for while nobody waits for it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ArchiveStatus } from '../../fs/archive/messages.ts';
import { pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { signalIfThere } from '../helpers/process.ts';
import { withClients } from '../helpers/sqlite-client.ts';
import { Archived } from './archived.ts';

const isSoak = process.env.HOODY_SQLITE_SOAK === '1';
/** Longer than it may be silent: 60 s. */
const silenceMs = isSoak ? 70_000 : 0;
const commits = 60;
/** Ten times what is stated: a writer waits for it at most 50 ms, and a checkpoint that begins the log anew 1 s. */
const mostWriteMs = 500;
const mostCheckpointMs = 10_000;
/** Of sched(7), as /proc tells them. */
const policies = { batch: '3', idle: '5' };

function policyOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38];
}

test(
  'while it is stopped nobody waits for it but a checkpoint, for a moment; no commit is lost',
  () =>
    withDaemon(['--archive', 'wal'], (daemon) =>
      withClients(async (start) => {
        const writer = start();
        await writer.open(join(daemon.mount, 'app.db'), { timeout: 60 });
        const insert = 'insert into t values (1)';
        await writer.run(['pragma journal_mode=wal', 'pragma synchronous=off', 'create table t (n)', insert]);
        const archived = await Archived.of(daemon);
        try {
          await eventually(async () => expect(await archived.history('app.db')).not.toEqual([]), { timeoutMs: 60_000 });
          const before = (await archived.history('app.db')).length;
          const pid = await pidOf(daemon, 'archive');
          // Else it is ended after 11 s of silence, as in the soak test: a slow machine needs as long for this.
          const stopped = isSoak ? [pid] : [daemon.pid, pid];
          for (const one of stopped) process.kill(one, 'SIGSTOP');
          const took: number[] = [];
          try {
            for (let number = 0; number < commits; number++) {
              const { error, tookMs } = await writer.run(insert);
              expect(error).toBeNull();
              took.push(tookMs);
            }
            const checkpoint = await writer.run(['pragma busy_timeout=0', 'pragma wal_checkpoint(truncate)']);
            expect(checkpoint.tookMs).toBeLessThan(mostCheckpointMs);
            expect(checkpoint).toMatchObject({ error: null, rows: [[1, expect.any(Number), expect.any(Number)]] });
            await delay(silenceMs);
            expect(await writer.run(['pragma busy_timeout=60000', insert])).toMatchObject({ error: null });
          } finally {
            for (const one of stopped) signalIfThere(one, 'SIGCONT');
          }
          expect(took.sort((a, b) => a - b)[commits / 2]).toBeLessThan(mostWriteMs);
          const entries = await archived.history('app.db');
          const { databases } = await archived.ask<ArchiveStatus>({ op: 'status' });
          const [{ gaps } = { gaps: -1 }] = databases;
          if (!isSoak) {
            expect(gaps).toBe(0);
            expect(entries.slice(before)).toHaveLength(commits + 1);
          } else expect(entries.length).toBeGreaterThan(before);
          const [verdict] = await archived.judge('app.db', [entries.at(-1)?.bookmark ?? '']);
          expect(verdict?.whole).toBe('ok');
        } finally {
          archived.close();
        }
      }),
    ),
  isSoak ? 300_000 : undefined,
);

test('while nobody waits for it, it leaves the processors to others, and a question gives it its share', () =>
  withDaemon(['--archive', 'wal'], async (daemon) => {
    const pid = await pidOf(daemon, 'archive');
    await eventually(() => expect(policyOf(pid)).toBe(policies.idle), { timeoutMs: 60_000 });
    const archived = await Archived.of(daemon);
    try {
      await eventually(async () => {
        await archived.ask({ op: 'status' });
        expect(policyOf(pid)).toBe(policies.batch);
      });
    } finally {
      archived.close();
    }
  }));
