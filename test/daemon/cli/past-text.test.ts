import { afterAll, beforeAll, expect, test } from 'vitest';
import { summaryOf } from '../../../daemon/archive/summary.ts';
import { archiveText } from '../../../daemon/cli/archive-text.ts';
import { differenceText, historyText, queryText, rewindText } from '../../../daemon/cli/past-text.ts';

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const moment = (number: number) => ({
  bookmark: `00000001-${String(number).padStart(12, '0')}`,
  time: `2026-11-28T12:00:${String(number).padStart(2, '0')}.250Z`,
});
const web = { pid: 71, command: 'python3 /srv/app/server.py --workers 4 --listen 0.0.0.0:80', container: 'web' };

test('commits are listed with when, who, how much and what', () => {
  const commits = [
    { ...moment(4), kind: 'commit' as const, writer: null, pages: 1, rewound_to: moment(1).bookmark },
    { ...moment(3), kind: 'resync' as const, writer: null, pages: 12, reason: 'written behind the mount' },
    { ...moment(2), kind: 'commit' as const, writer: web, pages: 3, tables: ['users', 'users_name'] },
    { ...moment(1), kind: 'base' as const, writer: { ...web, command: 'php', container: 'host' }, pages: 100 },
  ];
  expect(historyText({ commits, next_before: moment(1).bookmark, oldest: moment(1) })).toBe(
    [
      'when                     who                                            container  pages  bookmark               what',
      '2026-11-28 13:00:04.250  unknown                                                       1  00000001-000000000004  rewind to 00000001-000000000001',
      '2026-11-28 13:00:03.250  unknown                                                      12  00000001-000000000003  after a gap: written behind the mount',
      '2026-11-28 13:00:02.250  python3 /srv/app/server.py --workers ... (71)  web            3  00000001-000000000002  users, users_name',
      '2026-11-28 13:00:01.250  php (71)                                       host         100  00000001-000000000001  first one kept',
      'there are more: --before 00000001-000000000001',
      '',
    ].join('\n'),
  );
  expect(historyText({ commits: [], next_before: null, oldest: null })).toBe('no commit is kept of that time\n');
});

test('a list tells from where on states can be had, where older commits are in it', () => {
  const commits = [2, 1].map((number) => ({ ...moment(number), kind: 'commit' as const, writer: null, pages: 1 }));
  const text = (oldest: ReturnType<typeof moment> | null) => historyText({ commits, next_before: null, oldest });
  expect(text(moment(2))).toMatch(/\nstates can be had from 00000001-000000000002 on\n$/);
  expect(text(moment(1))).toMatch(/ 00000001-000000000001\n$/);
  expect(text(null)).toMatch(/\nno state can be had yet: /);
});

test('what SQLite and the key-value store keep for themselves comes last', () => {
  const commit = { ...moment(2), kind: 'commit' as const, writer: null, pages: 9 };
  const tables = ['hoody:kv_keys:kv_store', 'hoody:kv_log:kv_store', 'kv_store', 'sqlite_autoindex_kv_store_1'];
  const text = historyText({ commits: [{ ...commit, tables }], next_before: null, oldest: moment(1) });
  expect(text).toMatch(/ kv_store, hoody:kv_keys:kv_store/);
});

const tables = [
  {
    table: 'users',
    change: 'changed' as const,
    rows_added: 1,
    rows_removed: 0,
    rows_changed: 120,
    columns_added: ['age'],
  },
  { table: 'log', change: 'dropped' as const },
];

test('a rewind is shown with what it changes and whom it concerns', () => {
  const text = rewindText('app.db', {
    from: moment(9),
    to: moment(2),
    is_complete: true,
    commits_undone: 7,
    tables,
    objects: [{ type: 'index', name: 'users_name', change: 'created' }],
    open_by: [web],
  });
  expect(text).toBe(
    [
      'app.db goes back to 2026-11-28 13:00:02.250 (00000001-000000000002), behind 7 commits',
      'table  what                   rows added  removed  changed',
      'users  changed, columns +age           1        0      120',
      'log    dropped                         ?        ?        ?',
      'index users_name: created',
      'open by python3 /srv/app/server.py --workers ... (pid 71, web)',
      '',
    ].join('\n'),
  );
});

test('rows that differ are shown as they were and as they are', () => {
  const rows = [
    { op: 'added' as const, from: null, to: { id: 1 } },
    { op: 'removed' as const, from: { id: 2, name: 'x'.repeat(500) }, to: null },
    { op: 'changed' as const, from: { id: 3 }, to: { id: 4 } },
  ];
  const text = differenceText({
    from: moment(1),
    to: moment(2),
    is_complete: false,
    tables: [
      { table: 't', change: 'changed', rows_added: 1, rows_removed: 1, rows_changed: 1, rows, rows_truncated: true },
    ],
    objects: [],
  });
  expect(text).toContain('t: + {"id":1}\n');
  expect(text).toMatch(/\nt: - \{"id":2,"name":"x+\.\.\.\n/);
  expect(text).toContain(
    't: ~ {"id":3} -> {"id":4}\nt: there are more rows\nnot everything could be compared in time\n',
  );
  const same = { from: moment(1), to: moment(2), is_complete: true, tables: [], objects: [] };
  expect(differenceText(same)).toMatch(/no table differs\n$/);
});

test('rows of a query are a table', () => {
  const resultSet = [
    { id: 1, name: 'Ada' },
    { id: 22, name: null },
  ];
  expect(queryText({ columns: ['id', 'name'], resultSet, truncated: true })).toBe(
    'id  name\n1   Ada\n22  NULL\nthere are more rows\n',
  );
  expect(queryText({ columns: ['id'], resultSet: null, truncated: false })).toBe('id\n');
});

test('the kept commits of all databases are a table with a sum', () => {
  const database = { name: 'app.db', state: 'current' as const, commits: 2, oldestMs: 0, newestMs: 1000, bytes: 2048 };
  const status = {
    databases: [
      { ...database, lagBytes: 0, gaps: 1 },
      { ...database, name: 'old.db', state: 'off' as const, reason: 'no WAL', newestMs: null, lagBytes: 0, gaps: 0 },
    ],
    bytes: 4096,
    budgetBytes: 2 ** 30,
  };
  expect(archiveText(status, summaryOf(status))).toBe(
    [
      'database  state        commits  oldest                   newest                      size  unread  gaps',
      'app.db    current            2  1970-01-01 01:00:00.000  1970-01-01 01:00:01.000  2.0 KiB     0 B     1',
      'old.db    off: no WAL        2  1970-01-01 01:00:00.000                           2.0 KiB     0 B     0',
      '2 commits of 1 databases, 4.0 KiB of 1.0 GiB, 1 gaps',
      '',
    ].join('\n'),
  );
});
