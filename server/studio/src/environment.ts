// The bar of colour at the top: each database gets the one its user chose, so that production does not look like a
// test.
import { oneOf, savedSignal } from './storage.ts';

export const environmentColours = ['none', 'green', 'amber', 'red', 'violet'] as const;
export type EnvironmentColour = (typeof environmentColours)[number];

type Chosen = Readonly<Record<string, EnvironmentColour>>;
const readColour = oneOf(...environmentColours);

export const environments = savedSignal<Chosen>('environments', {}, (value) => {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).map(([db, colour]) => [db, readColour(colour) ?? 'none'] as const);
  return Object.fromEntries(entries);
});

export function environmentOf(db: string | null): EnvironmentColour {
  return db === null ? 'none' : (environments.value[db] ?? 'none');
}

export function setEnvironment(db: string, colour: EnvironmentColour): void {
  environments.value = { ...environments.value, [db]: colour };
}
