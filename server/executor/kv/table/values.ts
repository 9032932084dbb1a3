// The bytes, text and JSON of a value. A value is a byte string; the table keeps it as TEXT where it is text, so that
// native clients can read it and use it, and as BLOB otherwise.
import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../../messages/errors.ts';
import { parseJson, RawJson } from '../../../messages/json.ts';
import { compactJson } from '../../../messages/json-text.ts';
import { jsonType } from './codes.ts';

export type StoredValue = string | Buffer | null;

export function valueBytes(value: StoredValue): Buffer {
  if (value === null) return Buffer.alloc(0);
  return typeof value === 'string' ? Buffer.from(value) : value;
}

export function valueText(value: StoredValue): string {
  return value === null ? '' : value.toString();
}

/** How bytes are bound: TEXT if the content type says text and the bytes are, else BLOB. */
export function toStored(bytes: Buffer, contentType: string): string | Buffer {
  return isTextType(contentType) && isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : bytes;
}

/** As toStored, of a text that has a UTF-8. */
export function toStoredText(text: string, contentType: string): string | Buffer {
  return isTextType(contentType) && !text.includes('\0') ? text : Buffer.from(text);
}

function isTextType(contentType: string): boolean {
  return contentType === jsonType || isJsonType(contentType) || /^text\//i.test(contentType);
}

export function isJsonType(contentType: string): boolean {
  return /^application\/json\s*(;|$)|^[^;]*\+json\s*(;|$)/i.test(contentType);
}

/** The value's text, or undefined if it is not one JSON document that parseJson accepts. */
export function jsonText(value: StoredValue): string | undefined {
  if (Buffer.isBuffer(value) && !isUtf8(value)) return undefined;
  const text = valueText(value);
  try {
    parseJson(text);
    return text;
  } catch {
    return undefined;
  }
}

/** The value as it stands in a JSON answer, or undefined if it is not JSON: as it was written, without white space. */
export function rawJson(value: StoredValue, contentType: string): RawJson | undefined {
  const text = isJsonType(contentType) ? jsonText(value) : undefined;
  return text === undefined ? undefined : new RawJson(compactJson(text));
}

/** `value` for JSON content, `value_base64` for everything else: how a value stands inside a JSON answer. */
export function valueMembers(value: StoredValue, contentType: string, prefix = ''): Record<string, unknown> {
  const json = rawJson(value, contentType);
  if (json !== undefined) return { [`${prefix}value`]: json };
  return { [`${prefix}value_base64`]: valueBytes(value).toString('base64') };
}

/** The text of the row's value, which is a JSON document, whatever content type it was stored with. */
export function requireJson(row: { readonly value: StoredValue }): string {
  const document = jsonText(row.value);
  if (document === undefined) {
    throw new ApiError(
      'INVALID_PARAMETERS',
      'the value of the key is not JSON, so a path or a list operation does not apply',
    );
  }
  return document;
}

/** The content type of a document after an edit: a JSON type stays as it is. */
export function documentType(current: { readonly contentType: string } | null): string {
  return current !== null && isJsonType(current.contentType) ? current.contentType : jsonType;
}
