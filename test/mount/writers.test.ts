// Different SQLite clients in four mount namespaces write one file at once: nothing acknowledged is lost, whatever the
// journal mode.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { acknowledged, inMountNamespace, writers } from '../helpers/sqlite-writers.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const rowsEach = 25;

async function sql(file: string, statements: string): Promise<string> {
  const { code, stdout, stderr } = await run('sqlite3', ['-cmd', '.timeout 30000', file, statements]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}

describe.each(['on', 'off'] as const)('with passthrough %s', (passthrough) => {
  let mount: TempMount;
  beforeAll(async () => {
    mount = await tempMount({ passthrough });
  });
  afterAll(() => mount?.close());

  test.each(['delete', 'truncate', 'persist', 'wal'])(
    'every acknowledged row of four writers is there in journal mode %s',
    async (journalMode) => {
      const file = join(mount.mountPoint, `${journalMode}.db`);
      await sql(
        file,
        `pragma journal_mode=${journalMode}; create table row (writer text, number integer, primary key (writer, number))`,
      );
      const crew = [...Object.entries(writers), ...Object.entries(writers).slice(0, 1)];
      const runs = await Promise.all(
        crew.map(async ([program, command], index) => {
          const writer = `${program} ${index}`;
          const finished = await inMountNamespace(command(file, writer, rowsEach, journalMode));
          expect(finished.code, finished.stderr).toBe(0);
          return { writer, numbers: acknowledged(finished.stdout) };
        }),
      );
      expect(await sql(file, 'pragma integrity_check')).toBe('ok');
      for (const { writer, numbers } of runs) {
        expect(numbers.length, writer).toBeGreaterThan(0);
        const stored = await sql(file, `select number from row where writer = '${writer}' order by number`);
        const missing = numbers.filter((number) => !stored.split('\n').includes(`${number}`));
        expect(missing, writer).toEqual([]);
      }
      const backing = join(mount.dataDir, `${journalMode}.db`);
      expect((await run('cmp', [file, backing])).code).toBe(0);
      expect(await sql(backing, 'pragma integrity_check')).toBe('ok');
    },
  );

  test('two processes that increment one number in WAL mode lose no increment', async () => {
    const file = join(mount.mountPoint, 'counter.db');
    await sql(file, 'pragma journal_mode=wal; create table counter (value); insert into counter values (0)');
    const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for _ in range(300): db.execute('update counter set value = value + 1')
`;
    const runs = await Promise.all([1, 2].map(() => inMountNamespace(['python3', '-c', script, file])));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(2).fill({ code: 0, stderr: '' }));
    expect(await sql(file, 'select value from counter')).toBe('600');
  });
});
