// Who the user is for the server, which databases there are, and the schema of the one that is open.
import { computed, effect, signal, untracked } from '@preact/signals';
import type { StudioObject, StudioOverview, StudioSchema } from '../../messages/studio/schema.ts';
import { errorText, get, isAbort, isPassing, reconnects } from './api/client.ts';
import { route } from './location.ts';
import { readBoolean, savedSignal } from './storage.ts';

export const overview = signal<StudioOverview | null>(null);
export const overviewError = signal<string | null>(null);
export const schema = signal<StudioSchema | null>(null);
export const schemaError = signal<string | null>(null);

/** The user's own switch. A read token has the same effect. */
export const readOnly = savedSignal('read-only', false, readBoolean);

/** Controls that change something are shown only while this is true. */
export const canEdit = computed(() => overview.value?.access === 'full' && !readOnly.value);

/** Ask before a write without WHERE, a DROP, and the like. */
export const safeMode = savedSignal('safe-mode', true, readBoolean);

export const database = computed(() => route.value.db);

let overviewReads = 0;

/** Of several reads at once the last one counts: an older answer may lack a database that was made meanwhile. */
export async function loadOverview(): Promise<void> {
  const read = ++overviewReads;
  try {
    const next = await get<StudioOverview>('studio/databases');
    if (read !== overviewReads) return;
    overview.value = next;
    overviewError.value = null;
  } catch (error) {
    if (read === overviewReads) overviewError.value = errorText(error);
  }
}

let running: AbortController | null = null;

/** Reads the schema of the open database again: after a change of it, by anybody. */
export async function loadSchema(): Promise<void> {
  running?.abort();
  const db = database.peek();
  if (db === null) {
    schema.value = null;
    schemaError.value = null;
    return;
  }
  running = new AbortController();
  try {
    const next = await get<StudioSchema>('studio/schema', { db }, running.signal);
    schemaError.value = null;
    schema.value = next;
  } catch (error) {
    if (isAbort(error) || (isPassing(error) && schema.peek()?.db === db)) return;
    schema.value = null;
    schemaError.value = errorText(error);
  }
}

/** Others tell the version that they saw, e.g. from a commit event. */
export function sawSchemaVersion(version: string): void {
  if (schema.peek() !== null && schema.peek()?.version !== version) void loadSchema();
}

export function objectNamed(name: string | undefined): StudioObject | undefined {
  return schema.value?.objects.find((object) => object.name === name);
}

/** Called once by main.tsx. */
export function startSession(): void {
  effect(() => {
    reconnects.value;
    untracked(() => void loadOverview());
  });
  effect(() => {
    database.value;
    reconnects.value;
    untracked(() => {
      if (schema.peek()?.db !== database.peek()) schema.value = null;
      void loadSchema();
    });
  });
}
