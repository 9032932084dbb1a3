// The column whose values are shown, and what a click on one of them does. Pure but for the signal.
import { signal } from '@preact/signals';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isCut, kindOf, textOf } from '../api/values.ts';
import type { Chip } from './table-query.ts';

/** Null: none. */
export const facetsOf = signal<string | null>(null);

/** The filter for this value; null where it cannot be one. */
export function chipFor(column: string, value: StudioValue, isEqual = true): Chip | null {
  if (value === null) return { column, operator: isEqual ? 'null' : 'not null', text: '' };
  if (isCut(value) || kindOf(value) === 'blob' || kindOf(value) === 'bad text') return null;
  return { column, operator: isEqual ? '=' : '!=', text: textOf(value) };
}
