// Every operation that the server process may ask for is one that executors can do, by the same name and in the same
// lane.
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { fileOperations, operations } from '../../server/executor/operations.ts';

interface Row {
  readonly name: string;
  readonly lane: string;
}

const folder = resolve(import.meta.dirname, '../../server/messages/operations');

async function declared(): Promise<Row[]> {
  const modules = await Promise.all(readdirSync(folder).map((file) => import(join(folder, file))));
  const isRow = (value: unknown): value is Row =>
    typeof value === 'object' && value !== null && 'name' in value && 'lane' in value;
  return modules
    .flatMap((module) => Object.values(module))
    .flatMap((group) => Object.values(group ?? {}).filter(isRow));
}

const shown = ({ name, lane }: Row) => `${name} ${lane}`;

test('every declared operation is implemented once, and nothing else is', async () => {
  const implemented = [...operations.values(), ...fileOperations.values()].map(shown);
  const rows = (await declared()).map(shown);
  expect(rows.length).toBeGreaterThan(35);
  expect(implemented.sort()).toEqual(rows.sort());
});

test('SQL that only reads has the lane of reads: in the other one it waits for programs that write', async () => {
  const writing = (await declared()).filter(({ lane }) => lane === 'sql').map(({ name }) => name);
  expect(writing.sort()).toEqual([
    'database.checkpoint',
    'libsql.session',
    'libsql.stream',
    'sql.transaction',
    'studio.apply',
    'studio.fillSample',
    'studio.import',
    'studio.sql',
  ]);
});
