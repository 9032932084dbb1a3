// Whether rows of a table can be edited, and if not, why.
import type { StudioObject } from '../../../messages/studio/schema.ts';
import { canEdit, overview, readOnly } from '../session.ts';

/** Null: they can. */
export function readOnlyReason(object: StudioObject): string | null {
  if (overview.value?.access === 'read') return 'the token may only read';
  if (object.type === 'view') return 'a view';
  if (object.group === 'system') return 'a table of the system';
  if (object.group === 'kv') return 'keys are edited under Keys';
  if (object.key === null) return 'no key tells its rows apart';
  if (readOnly.value) return 'the page is set to read only';
  return canEdit.value ? null : 'read only';
}
