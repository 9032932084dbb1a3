// Programs that go on trying while nothing is mounted: they meet the bare directory below the mount point, and must not be
// able to harm the databases when the mount comes back.
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { start } from '../helpers/process.ts';

const restarts = process.env.HOODY_SQLITE_SOAK ? 50 : 3;

/** Makes a file of its own where it finds none, as SQLite does, and tries again at once. */
const stubborn = (path: string, name: string) => `
import sqlite3
n = 0
while True:
    n += 1
    try:
        connection = sqlite3.connect(${JSON.stringify(path)}, timeout=0, isolation_level=None)
        connection.execute("INSERT INTO log VALUES (?, ?)", (${JSON.stringify(name)}, n))
        print("ok", n, flush=True)
    except sqlite3.Error:
        pass
    finally:
        connection.close()
`;

describe('programs that found the bare directory', () => {
  test(
    'lose nothing that was acknowledged, however often the daemon is restarted under them',
    async () => {
      await withPaths(async (paths) => {
        mkdirSync(paths.data);
        const db = new Database(join(paths.data, 'app.db'));
        db.exec('PRAGMA journal_mode = WAL; CREATE TABLE log (who TEXT, n INTEGER)');
        db.close();
        mkdirSync(paths.mount);
        const programs = ['a', 'b', 'c'].map((name) => ({
          name,
          ...start('python3', ['-c', stubborn(join(paths.mount, 'app.db'), name)]),
        }));
        const told = (stdout: string) => [...stdout.matchAll(/^ok (\d+)$/gm)].map((match) => Number(match[1]));
        try {
          for (let round = 0; round < restarts; round++) {
            await withDaemon(
              ['--drain', '1'],
              async () => {
                const before = programs.map(({ stdout }) => told(stdout()).length);
                await eventually(
                  () => {
                    programs.forEach(({ stdout }, index) => {
                      expect(told(stdout()).length).toBeGreaterThan((before[index] ?? 0) + 5);
                    });
                  },
                  { timeoutMs: 60_000 },
                );
              },
              { paths },
            );
          }
        } finally {
          for (const program of programs) program.process.kill('SIGKILL');
          await Promise.all(programs.map(({ finished }) => finished));
        }
        const after = new Database(join(paths.data, 'app.db'));
        for (const { name, stdout } of programs) {
          const rows = new Set(after.prepare('SELECT n FROM log WHERE who = ?').pluck().all(name));
          expect(told(stdout()).filter((n) => !rows.has(n))).toEqual([]);
        }
        expect(after.pragma('integrity_check', { simple: true })).toBe('ok');
        after.close();
      });
    },
    60_000 + restarts * 30_000,
  );

  test('hold up a start for as long as they have such a file open; then empty ones are gone', async () => {
    await withPaths(async (paths) => {
      mkdirSync(paths.mount);
      writeFileSync(join(paths.mount, 'app.db'), '');
      const held = openSync(join(paths.mount, 'app.db'), 'r+');
      const refused = startDaemon(paths, ['--require-mount']);
      const { code, stderr } = await refused.finished;
      expect(code).toBe(1);
      expect(stderr).toMatch(/files in the directory below the mount are open/);

      const started = startDaemon(paths, ['--require-mount']);
      closeSync(held);
      const daemon = await whenReady(started, paths);
      expect(existsSync(join(paths.mount, 'app.db'))).toBe(false);
      await daemon.stop();
      expect(existsSync(join(paths.mount, 'app.db'))).toBe(false);
      writeFileSync(join(paths.mount, 'may be written again'), '');
    });
  });
});
