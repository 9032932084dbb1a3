// A database that is made over HTTP comes with its tables in one commit: the parts that it is made of are no states
// that anybody would go back to.
import { describe, expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { type Api, apiOf } from '../helpers/http.ts';
import { startedOn } from './captured.ts';

interface Commit {
  readonly kind: string;
  readonly database_pages: number;
}

/** Newest first. */
async function commitsOf(api: Api, name: string): Promise<Commit[]> {
  await startedOn(api.daemon, `${name}.db`).hasBegun();
  return (await api.call('GET', `/db/history?db=${name}&limit=100`)).json.commits;
}

// With --archive all, the file is also followed before it is in WAL mode.
describe.each([
  { flags: [], ofWhole: [['base']] },
  { flags: ['--archive', 'all'], ofWhole: [['base'], ['commit', 'base']] },
])('with $flags', ({ flags, ofWhole }) => {
  test('a new database is made in one commit, with and without a key-value table', () =>
    withDaemon(flags, async (daemon) => {
      const api = apiOf(daemon);
      for (let number = 0; number < 5; number++) {
        for (const query of ['', '&init_kv=true']) {
          const name = `made${number}${query === '' ? '' : 'kv'}`;
          expect((await api.call('POST', `/db/create?path=${name}${query}`)).status).toBe(201);
          expect(ofWhole).toContainEqual((await commitsOf(api, name)).map(({ kind }) => kind));
        }
      }
      expect(daemon.stderr()).not.toContain('archive-began-anew');
    }));

  test('the first key of a new database is its first commit behind the empty file', () =>
    withDaemon(flags, async (daemon) => {
      const api = apiOf(daemon);
      for (let number = 0; number < 3; number++) {
        const name = `written${number}`;
        const { status } = await api.call('PUT', `/kv/a?db=${name}&create_db_if_missing=true`, { body: 'x' });
        expect(status).toBe(200);
        const sizes = (await commitsOf(api, name)).map(({ database_pages }) => database_pages);
        expect(sizes.filter((pages) => pages > 1).at(-1), sizes.join()).toBeGreaterThan(10);
      }
      expect(daemon.stderr()).not.toContain('archive-began-anew');
    }));
});
