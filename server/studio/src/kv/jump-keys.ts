// Keys in the jump menu: asked of the server while the user types, in the key-value tables of the open database.
import { signal } from '@preact/signals';
import type { StudioKeys } from '../../../messages/studio/keys.ts';
import { get } from '../api/client.ts';
import { linkTo } from '../location.ts';
import { database, schema } from '../session.ts';
import type { JumpTarget } from '../ui/jump-targets.ts';

const pauseMs = 150;
const mostKeys = 20;
/** Other tables' keys are found in the keys view. */
const mostTables = 3;

const found = signal<readonly JumpTarget[]>([]);
let asked = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** What is known by now. Asks for more where the text is new; the menu is drawn again when the answer is there. */
export function keyTargets(search: string): readonly JumpTarget[] {
  const wanted = search.trim();
  if (wanted !== asked) {
    asked = wanted;
    clearTimeout(timer);
    timer = setTimeout(() => void ask(wanted), pauseMs);
  }
  return found.value;
}

async function ask(search: string): Promise<void> {
  const db = database.peek();
  const tables = (schema.peek()?.objects ?? []).filter(({ group }) => group === 'kv').slice(0, mostTables);
  const lists = search === '' || db === null ? [] : tables.map(({ name }) => keysOf(db, name, search));
  const targets = await Promise.all(lists);
  if (search === asked) found.value = targets.flat();
}

async function keysOf(db: string, table: string, search: string): Promise<JumpTarget[]> {
  try {
    const { entries } = await get<StudioKeys>('studio/kv/keys', { db, table, search, limit: mostKeys });
    return entries.flatMap((entry) => {
      if (entry.kind !== 'key') return [];
      const href = linkTo({ view: 'keys', params: { table, key: entry.key } });
      return [{ id: `key:${table}:${entry.key}`, label: entry.key, kind: 'key', href }];
    });
  } catch {
    return []; // the menu still finds everything else
  }
}
