// The text of each open query, kept over a reload. What is typed is kept at once for this page, and a moment later for
// the next one.
import { signal } from '@preact/signals';
import { load, readText, save } from '../storage.ts';

/** Changes when a text was kept. */
export const draftsKept = signal(0);

const texts = new Map<string, string>();
const unsaved = new Set<string>();
const pauseMs = 400;
let timer: ReturnType<typeof setTimeout> | undefined;

const nameOf = (db: string, query: string) => `sql-draft:${db}\n${query}`;

export function draftOf(db: string, query: string): string {
  const name = nameOf(db, query);
  return texts.get(name) ?? load(name, readText) ?? '';
}

export function keepDraft(db: string, query: string, text: string): void {
  const name = nameOf(db, query);
  texts.set(name, text);
  unsaved.add(name);
  clearTimeout(timer);
  timer = setTimeout(flush, pauseMs);
}

function flush(): void {
  for (const name of unsaved) save(name, texts.get(name) || undefined);
  unsaved.clear();
  draftsKept.value += 1;
}

window.addEventListener('pagehide', flush);
