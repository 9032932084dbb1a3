// The documents that are open in one database: tables, queries, key-value tables. Pure; lists are never changed in
// place.
import type { ViewId } from '../routes.ts';

export type DocumentView = 'tables' | 'sql' | 'keys';
export type Params = Readonly<Record<string, string>>;

export interface OpenDocument {
  readonly view: DocumentView;
  /** Of a table or a key-value table; of a query the id that its address has. */
  readonly name: string;
  /** Of a query: what its tab says (SQL 2); 0 for others. */
  readonly number: number;
  /** Its address: filters, order, key, statement ... */
  readonly params: Params;
  /** Rises with every visit. */
  readonly used: number;
}

export type Documents = readonly OpenDocument[];

/** With more, the one that was not used for the longest time leaves. */
export const mostDocuments = 20;

/** The parameter of the address that names the document. */
export const nameParam = { tables: 'table', sql: 'query', keys: 'table' } as const satisfies Record<
  DocumentView,
  string
>;

export function isDocumentView(view: ViewId): view is DocumentView {
  return view in nameParam;
}

export function isSame(one: Pick<OpenDocument, 'view' | 'name'>, other: Pick<OpenDocument, 'view' | 'name'>): boolean {
  return one.view === other.view && one.name === other.name;
}

export function find(list: Documents, view: ViewId, name: string): OpenDocument | undefined {
  return list.find((one) => one.view === view && one.name === name);
}

/** With the visited document in its place, or at the end. `mayLeave` says which may be closed to make room. */
export function visited(
  list: Documents,
  view: DocumentView,
  name: string,
  params: Params,
  mayLeave: (document: OpenDocument) => boolean,
): Documents {
  const old = find(list, view, name);
  const used = Math.max(0, ...list.map((one) => one.used)) + 1;
  if (old !== undefined) return list.map((one) => (one === old ? { ...one, params, used } : one));
  const number = view === 'sql' ? freeNumber(list) : 0;
  const next = [...list, { view, name, number, params, used }];
  if (next.length <= mostDocuments) return next;
  const [leaves] = list.filter(mayLeave).sort((a, b) => a.used - b.used);
  return next.filter((one) => one !== leaves);
}

function freeNumber(list: Documents): number {
  const taken = new Set(list.map(({ number }) => number));
  let number = 1;
  while (taken.has(number)) number += 1;
  return number;
}

/** What is shown when the document is closed: its right neighbour, or the left one. */
export function neighbour(list: Documents, closed: OpenDocument): OpenDocument | undefined {
  const at = list.findIndex((one) => isSame(one, closed));
  return list[at + 1] ?? list[at - 1];
}

/** From `now` to the next (1) or the one before (-1), around the ends. */
export function step(list: Documents, now: OpenDocument, by: 1 | -1): OpenDocument | undefined {
  const at = list.findIndex((one) => isSame(one, now));
  return list.at((at + by) % list.length);
}

/** Reads what was saved. What is no document is left out; undefined where it is no list. */
export function readDocuments(value: unknown): Documents | undefined {
  if (!Array.isArray(value)) return undefined;
  const read = value.flatMap((one) => readDocument(one) ?? []);
  return read.filter((one, at) => read.findIndex((other) => isSame(one, other)) === at).slice(0, mostDocuments);
}

function readDocument(value: unknown): OpenDocument | undefined {
  const { view, name, number, params, used } = (value ?? {}) as Partial<Record<keyof OpenDocument, unknown>>;
  const isRight =
    typeof view === 'string' &&
    Object.hasOwn(nameParam, view) &&
    typeof name === 'string' &&
    name !== '' &&
    Number.isSafeInteger(number) &&
    Number.isSafeInteger(used) &&
    typeof params === 'object' &&
    params !== null &&
    Object.values(params).every((text) => typeof text === 'string');
  return isRight ? (value as OpenDocument) : undefined;
}
