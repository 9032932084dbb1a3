// Decodes what a share link is asked to show, or refuses it. messages/studio/ describes it.
import { ApiError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type { StudioRowsRequest } from './studio/rows.ts';
import type { StudioSharedView, StudioShareRequest } from './studio/shares.ts';
import {
  booleanOf,
  decodeFrom,
  decodeSelection,
  integerOf,
  membersOf,
  parseMembers,
  selectionMembers,
  textOf,
  textsOf,
} from './studio-requests.ts';

const longestTitle = 200;
const longestView = 16 * 1024;
const mostSeconds = 90 * 24 * 3600;

/** @throws ApiError INVALID_PARAMETERS */
export function decodeShareRequest(body: Uint8Array): StudioShareRequest {
  const { db, title, view, expiresIn } = parseMembers(body, ['db', 'title', 'view', 'expiresIn']);
  const request: StudioShareRequest = {
    db: textOf(db, 'db'),
    title: textOf(title, 'title').trim().slice(0, longestTitle),
    view: decodeView(view),
    expiresIn: integerOf(expiresIn, 'expiresIn', 60, mostSeconds, 7 * 24 * 3600),
  };
  if (JSON.stringify(request.view).length > longestView) {
    throw new ApiError(
      'INVALID_PARAMETERS',
      `what a share shows may be described in at most ${longestView} characters`,
    );
  }
  return request;
}

function decodeView(json: Json | undefined): StudioSharedView {
  const known = [...selectionMembers, 'kind', 'columns', 'sql', 'chart', 'key', 'history'];
  const members = membersOf(json ?? null, 'view', known);
  switch (members.kind) {
    case 'table':
      return { kind: 'table', ...decodeSelection(members), ...columnsOf(members) };
    case 'sql':
      return {
        kind: 'sql',
        sql: textOf(members.sql, 'view.sql'),
        ...(members.chart === undefined ? {} : { chart: textOf(members.chart, 'view.chart') }),
      };
    case 'key':
      return {
        kind: 'key',
        table: textOf(members.table, 'view.table'),
        key: textOf(members.key, 'view.key'),
        history: booleanOf(members.history, 'view.history'),
      };
    default:
      throw new ApiError('INVALID_PARAMETERS', 'view.kind must be table, sql or key');
  }
}

function columnsOf({ columns }: JsonObject): { readonly columns?: readonly string[] } {
  return columns === undefined ? {} : { columns: textsOf(columns, 'view.columns') };
}

/** What the holder of a link may choose. */
export interface SharedRequest {
  readonly from?: NonNullable<StudioRowsRequest['from']>;
  /** Of a key whose history is shared. */
  readonly version?: number;
}

/** @throws ApiError INVALID_PARAMETERS */
export function decodeSharedRequest(body: Uint8Array): SharedRequest {
  const { from, version } = parseMembers(body, ['from', 'version']);
  return {
    ...(from === undefined || from === null ? {} : { from: decodeFrom(from) }),
    ...(version === undefined ? {} : { version: integerOf(version, 'version', 1, Number.MAX_SAFE_INTEGER, 1) }),
  };
}
