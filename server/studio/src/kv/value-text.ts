// A value as the page can show it: text, indented JSON where it is JSON, or bytes. Pure.
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { bytesFromBase64 } from './bytes.ts';
import { prettyJson } from './pretty-json.ts';

export interface ValueText {
  /** As it is stored. */
  readonly text: string;
  /** Indented; undefined where the text is not JSON, or is cut. */
  readonly pretty: string | undefined;
}

/** Undefined for a value that is not text. */
export function textOfValue({ value, type }: Pick<StudioKvValue, 'value' | 'type'>): ValueText | undefined {
  const text = plainText(value);
  if (text === undefined) return undefined;
  const pretty = type === 'json' && typeof value === 'string' ? prettyJson(text) : undefined;
  return { text, pretty };
}

/** Only the beginning is here. */
export function isCut({ value, bytes }: Pick<StudioKvValue, 'value' | 'bytes'>): boolean {
  return typeof value === 'object' && value !== null && ('text' in value || bytesOfValue(value).length < bytes);
}

/** The bytes of a value, or of its beginning. */
export function bytesOfValue(value: StudioValue): Uint8Array {
  if (typeof value === 'object' && value !== null) {
    if ('blob' in value) return bytesFromBase64(value.blob);
    if ('badText' in value) return bytesFromBase64(value.badText);
  }
  return new TextEncoder().encode(plainText(value) ?? '');
}

/** What two versions are compared as: indented JSON where both are JSON, else text, else a hex dump made by `hex`. */
export function comparable(
  value: Pick<StudioKvValue, 'value' | 'type' | 'exists'>,
  hex: (bytes: Uint8Array) => string,
): string {
  if (!value.exists) return '';
  const text = textOfValue(value);
  return text === undefined ? hex(bytesOfValue(value.value)) : (text.pretty ?? text.text);
}

function plainText(value: StudioValue): string | undefined {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if ('int' in value) return value.int;
  if ('real' in value) return value.real;
  return 'text' in value ? value.text : undefined;
}
