import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../server/messages/errors.ts';
import { describeApi } from '../../../server/process/openapi.ts';
import { routes } from '../../../server/process/routes/table.ts';

interface Described {
  readonly paths: Record<string, Record<string, { readonly operationId: string; readonly responses: object }>>;
}

const described = describeApi(routes, '1') as unknown as Described;
const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);

test('every route is described, and nothing else', () => {
  const of = (list: readonly { readonly method: string; readonly path: string }[]) =>
    list.map(({ method, path }) => `${method} ${path}`).sort();
  expect(of(operations)).toEqual(of(routes.filter(({ isMistake }) => isMistake !== true)));
});

test('every operation has a name of its own and at least one answer', () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { responses } of operations) expect(Object.keys(responses).length).toBeGreaterThan(0);
});

test('every error that a route names is in the table', () => {
  for (const route of routes) for (const code of route.errors) expect(errorCodes).toHaveProperty(code);
});

test('every answer with a body has a schema that says something, and no parameter is of an unknown type', () => {
  for (const route of routes) {
    for (const [status, { schema }] of Object.entries(route.replies)) {
      const isNotified = route.name === 'mcp' && status === '202';
      const hasBody = route.method !== 'HEAD' && status !== '304' && status !== '204' && !isNotified;
      expect([route.name, status, schema === undefined]).toEqual([route.name, status, !hasBody]);
      if (hasBody) expect([route.name, schema]).not.toEqual([route.name, { type: 'object' }]);
    }
  }
  const { components, paths } = described as unknown as { components: object; paths: Record<string, object> };
  expect(components).toHaveProperty('schemas.Error.properties.code.enum');
  expect(JSON.stringify(paths)).toContain('"name":"timeout","in":"query","required":false,"schema":{"type":"integer"');
});

test('what any request may be answered is described: no token, another origin, a long URL', () => {
  for (const { operationId, responses, path } of operations) {
    const isOpen = path.includes('/health') || path === '/' || path.startsWith('/assets/');
    const statuses = isOpen ? ['403', '414', '431'] : ['401', '403', '414', '431', '503'];
    expect([operationId, Object.keys(responses)]).toEqual([operationId, expect.arrayContaining(statuses)]);
  }
});

test("Redocly's recommended rules have nothing to say", async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = async (description: object) => {
    const found = await lintFromString({ source: JSON.stringify(description), config });
    return found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
  };
  expect(await problems({ ...described, servers: [] })).not.toEqual([]);
  expect(await problems(described)).toEqual([]);
});
