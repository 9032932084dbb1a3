// Runs the examples of docs/clients.md against one daemon on a real mount: the `js` and `python` blocks as they stand,
// and those of Django and SQLAlchemy below programs that count. A line `// => TEXT` or `# => TEXT` promises that its
// block prints TEXT.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(checkout, 'docs/clients.md'), 'utf8');
const blocksOf = (language: string) => {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))];
  expect(blocks.length).toBeGreaterThan(0);
  return blocks.map((match) => match[1] ?? '');
};
const api = useDaemon(['--allow-any-absolute-db-path', '--create-on-write']);

/** Runs a program whose input is `before`, the block with the paths and the port of this test, and `after`. */
async function runBlock(command: readonly string[], block: string, before = '', after = ''): Promise<string> {
  const { folder, root, url } = api().daemon;
  const text = block
    .replaceAll('127.0.0.1:8484', new URL(url).host)
    .replaceAll('/data/', `${folder}/`)
    .replaceAll('/hoody/databases', root);
  const [name = '', ...args] = command;
  const done = await run(name, args, { cwd: checkout, stdin: before + text + after });
  expect(done, block).toMatchObject({ code: 0 });
  return done.stdout;
}

const promisesOf = (block: string) => [...block.matchAll(/^(?:\/\/|#) => (.*)$/gm)].map((match) => match[1]);

test('every js block works as printed', async () => {
  for (const name of ['files', 'copies']) mkdirSync(join(api().daemon.folder, name));
  const print = 'const print = (...values) => console.log(...values.map((value) => JSON.stringify(value)));\n';
  for (const block of blocksOf('js')) {
    const printed = await runBlock([process.execPath, '--input-type=module'], block, print);
    for (const promised of promisesOf(block)) expect(printed, block).toContain(promised);
  }
});

test('every python block works as printed', async () => {
  for (const block of blocksOf('python')) {
    const printed = await runBlock(['python3', '-'], block);
    for (const promised of promisesOf(block)) expect(printed, block).toContain(promised);
  }
});

/** Programs at once, each of which reads a counter and writes it so many times. */
const [programs, counts] = [4, 10];

/** Debian's python has Debian's frameworks. */
async function expectExactCounts(block: string, after: string): Promise<void> {
  const made = await api().sql(
    'app',
    { statement: 'DROP TABLE IF EXISTS counters' },
    { statement: 'CREATE TABLE counters (n)' },
    { statement: 'INSERT INTO counters VALUES (0)' },
  );
  expect(made.status).toBe(200);
  const running = Array.from({ length: programs }, () => runBlock(['/usr/bin/python3', '-'], block, '', after));
  await Promise.all(running);
  const { json } = await api().sql('app', { query: 'SELECT n FROM counters' });
  expect(json.results[0].resultSet).toEqual([{ n: programs * counts }]);
}

test('transactions of Django that read and then write wait for their turn', async () => {
  const [settings = '', backend = ''] = blocksOf('py').filter((block) => /DATABASES|DatabaseWrapper/.test(block));
  const { folder } = api().daemon;
  mkdirSync(join(folder, 'immediate'));
  writeFileSync(join(folder, 'immediate', 'base.py'), backend);
  const after = `
import django, sys
from django.conf import settings
if django.VERSION < (5, 1):
    sys.path.insert(0, '${folder}')
    DATABASES['default']['ENGINE'] = 'immediate'
    del DATABASES['default']['OPTIONS']['transaction_mode']
settings.configure(DATABASES=DATABASES)
from django.db import connection, transaction
for _ in range(${counts}):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute('SELECT n FROM counters')
        (n,) = cursor.fetchone()
        cursor.execute('UPDATE counters SET n = %s', [n + 1])
`;
  await expectExactCounts(settings, after);
});

test('those of SQLAlchemy do as well', async () => {
  const [block = ''] = blocksOf('py').filter((text) => text.includes('create_engine'));
  const after = `
from sqlalchemy import text
for _ in range(${counts}):
    with engine.begin() as connection:
        n = connection.execute(text('SELECT n FROM counters')).scalar()
        connection.execute(text('UPDATE counters SET n = :n'), {'n': n + 1})
`;
  await expectExactCounts(block, after);
});
