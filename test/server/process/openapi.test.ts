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
  expect(of(operations)).toEqual(of(routes));
});

test('every operation has a name of its own and at least one answer', () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { responses } of operations) expect(Object.keys(responses).length).toBeGreaterThan(0);
});

test('every error that a route names is in the table', () => {
  for (const route of routes) for (const code of route.errors) expect(errorCodes).toHaveProperty(code);
});
