// What the page keeps between visits. State that cannot be read is dropped without a word: a bad state must never
// keep the page from opening. `?reset=1` in the URL clears all of it.
import { effect, type Signal, signal } from '@preact/signals';

const prefix = 'hoody-sqlite:';

export type Where = 'local' | 'session';

/** Parses what was saved; returns undefined for anything that is not right. */
export type Reader<T> = (value: unknown) => T | undefined;

function storageOf(where: Where): Storage | null {
  try {
    return where === 'local' ? window.localStorage : window.sessionStorage;
  } catch {
    return null; // the browser forbids it: nothing is kept
  }
}

export function load<T>(name: string, read: Reader<T>, where: Where = 'local'): T | undefined {
  try {
    const text = storageOf(where)?.getItem(prefix + name);
    return text === null || text === undefined ? undefined : read(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** undefined removes it. False: there is no room for it, or the browser forbids it. */
export function save(name: string, value: unknown, where: Where = 'local'): boolean {
  try {
    const storage = storageOf(where);
    if (storage === null) return false;
    if (value === undefined) storage.removeItem(prefix + name);
    else storage.setItem(prefix + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** A signal that begins with what was saved and saves every change. */
export function savedSignal<T>(name: string, fallback: T, read: Reader<T>, where: Where = 'local'): Signal<T> {
  const saved = signal<T>(load(name, read, where) ?? fallback);
  effect(() => {
    const { value } = saved;
    save(name, Object.is(value, fallback) ? undefined : value, where);
  });
  return saved;
}

/** For `read`: one of these texts. */
export function oneOf<T extends string>(...texts: readonly T[]): Reader<T> {
  return (value) => texts.find((text) => text === value);
}

export const readBoolean: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);
export const readText: Reader<string> = (value) => (typeof value === 'string' ? value : undefined);
export const readNumber: Reader<number> = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Called once, before anything is read. */
function clearIfAsked(): void {
  const url = new URL(window.location.href);
  if (!url.searchParams.has('reset')) return;
  for (const where of ['local', 'session'] as const) {
    const storage = storageOf(where);
    if (storage === null) continue;
    for (const key of Object.keys(storage)) if (key.startsWith(prefix)) storage.removeItem(key);
  }
  url.searchParams.delete('reset');
  window.history.replaceState(null, '', url);
}

clearIfAsked();
