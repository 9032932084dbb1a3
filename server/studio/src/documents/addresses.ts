// Where links to what is open lead: to the filters, the order and the key that it was left with. Apart from the list of
// open documents, whose code comes later than the links.
import { signal } from '@preact/signals';
import { linkTo } from '../location.ts';
import type { ViewId } from '../routes.ts';
import type { Documents, OpenDocument } from './documents.ts';

/** Those of the open database. */
export const openDocuments = signal<Documents>([]);

/** Of a table or key-value table. */
export function linkToTable(view: ViewId, table: string): string {
  const known = openDocuments.value.find((one) => one.view === view && one.name === table);
  return linkTo({ view, params: known?.params ?? { table } });
}

/** Of a view; of any view where none is named. */
export function lastUsed(view?: ViewId): OpenDocument | undefined {
  let last: OpenDocument | undefined;
  for (const one of openDocuments.value) {
    if ((view === undefined || one.view === view) && one.used > (last?.used ?? -1)) last = one;
  }
  return last;
}
