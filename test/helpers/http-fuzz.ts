// Random requests against every route: whatever comes in, the answer is a 4xx with a code and a sentence, or a success.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Answer, Api } from './http.ts';

interface DescribedRoute {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
}

export async function fuzzTransactions(api: Api, numRuns: number): Promise<void> {
  const sql = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'SELECT ?',
      'SELECT :a',
      'INSERT INTO f VALUES (?)',
      'CREATE TABLE f(a)',
      'DROP TABLE f',
      "SELECT '",
    ),
    fc
      .array(
        fc.constantFrom('SELECT', 'FROM', 'f', '*', '?', ';', '--', "'", '"', '(', ')', 'WITH', 'PRAGMA', '=', '1'),
      )
      .map((words) => words.join(' ')),
  );
  const item = fc.record(
    {
      query: fc.oneof(sql, fc.jsonValue()),
      statement: sql,
      values: fc.jsonValue(),
      valuesBatch: fc.jsonValue(),
      noFail: fc.oneof(fc.boolean(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const wellFormed = fc.record({ statement: sql, values: fc.array(fc.oneof(fc.string(), fc.integer())) });
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(fc.oneof(item, wellFormed, fc.jsonValue())).map((transaction) => JSON.stringify({ transaction })),
    fc.array(wellFormed, { minLength: 1 }).map((transaction) => JSON.stringify({ transaction })),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      expectWellBehaved(await api.call('POST', '/db?db=fuzz&auto_create=true', { body: text }));
    }),
    { numRuns },
  );
}

export async function fuzzRoutes(api: Api, numRuns: number): Promise<void> {
  const routes = await describedRoutes(api);
  expect(routes.length).toBeGreaterThan(20);
  const odd = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.constantFrom('', 'true', '-1', '1e9', '\0', '\u{1f600}', '/', '../x', 'kv_store', '9223372036854775808'),
  );
  const values = fc.array(odd, { minLength: 16, maxLength: 16 });
  const body = fc.oneof(fc.json(), fc.string(), fc.constant('{}'));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), values, odd, body, async (route, given, key, text) => {
      const search = route.parameters
        .filter(({ name }) => name !== 'wait' && name !== 'timeout')
        .map(({ name }, index) => `${name}=${encodeURIComponent(name === 'db' ? 'fuzz' : (given[index] ?? ''))}`);
      const path = route.path.replace('{key}', encodeURIComponent(key) || '%20').replace('/api/v1/sqlite', '');
      const answer = await api.call(route.method.toUpperCase(), `${path}?${search.join('&')}`, { body: text });
      expectWellBehaved(answer, route.method === 'head');
    }),
    { numRuns },
  );
}

async function describedRoutes(api: Api): Promise<DescribedRoute[]> {
  const { json } = await api.call('GET', '/openapi.json');
  const paths = json.paths as Record<string, Record<string, Described>>;
  return Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, described]) => !isStream(described))
        .map(([method, { parameters }]) => ({
          path,
          method,
          parameters: parameters.filter((parameter) => parameter.in === 'query'),
        })),
    )
    .filter(({ path }) => path.startsWith('/api'));
}

interface Described {
  readonly parameters: DescribedRoute['parameters'];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

/** A stream of events has no end that a test could wait for. */
function isStream({ responses }: Described): boolean {
  return Object.values(responses).some(({ content }) => content !== undefined && 'text/event-stream' in content);
}

function expectWellBehaved({ status, headers, json }: Answer, isHead = false): void {
  expect(status).toBeLessThan(500);
  if (status < 400) return;
  expect(headers['x-hoody-error-code']).toMatch(/^[A-Z_]+$/);
  if (isHead) return;
  // A plain client's GET of a missing key is answered with null.
  if (json !== null) expect(json.code).toBe(headers['x-hoody-error-code']);
  if (json !== null) expect(json.error).toMatch(/\w+ \w+/);
}
