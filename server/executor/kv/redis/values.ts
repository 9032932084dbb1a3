// How Redis's types stand in a KV table. A string is any value; the other types are JSON documents whose content type
// says which: `application/json; type=list`. Everybody else reads them as the JSON that they are.
import { isUtf8 } from 'node:buffer';
import { compactJson, elementsOf, membersOf, rootOf, textOf } from '../../../messages/json-text.ts';
import { limits } from '../../../messages/limits.ts';
import { jsonType, octetStreamType, textType } from '../table/codes.ts';
import { contentTypeFor } from '../table/content-type.ts';
import type { KvRow } from '../table/row.ts';
import { isJsonType, jsonText, type StoredValue, toStored, valueBytes, valueText } from '../table/values.ts';

/** What a command answers instead of a result, in Redis's own words. */
export class RedisError extends Error {}

export type RedisType = 'string' | 'list' | 'hash' | 'set';
export type CollectionType = Exclude<RedisType, 'string'>;

const collectionTypes: Readonly<Record<CollectionType, string>> = {
  list: `${jsonType}; type=list`,
  hash: `${jsonType}; type=hash`,
  set: `${jsonType}; type=set`,
};

const collection = /^application\/json\s*;\s*type="?(list|hash|set)"?\s*$/i;

/** A document of another shape than its type's is a string: anybody may have written it. Its begin is enough. */
export function typeOf({ contentType, value }: Pick<KvRow, 'contentType' | 'value'>): RedisType {
  const type = collection.exec(contentType)?.[1]?.toLowerCase() as CollectionType | undefined;
  if (type === undefined) return 'string';
  const begin = type === 'hash' ? /^[ \t\r\n]*\{/ : /^[ \t\r\n]*\[/;
  return begin.test(valueText(value)) ? type : 'string';
}

export function requireType(row: KvRow, type: RedisType): void {
  if (typeOf(row) !== type) throw wrongType();
}

function wrongType(): RedisError {
  return new RedisError('WRONGTYPE Operation against a key holding the wrong kind of value');
}

export interface NewContent {
  readonly value: StoredValue;
  readonly contentType: string;
}

/** A string, with the content type that a PUT without one would give it; what is no JSON is text. */
export function stringContent(bytes: Buffer): NewContent {
  const type = contentTypeFor(undefined, bytes);
  return asContent(bytes, type === octetStreamType && isUtf8(bytes) ? textType : type);
}

/** A string after a change: a type that is not JSON was chosen by somebody, and stays. */
export function changedContent(bytes: Buffer, { contentType }: KvRow): NewContent {
  return isJsonType(contentType) ? stringContent(bytes) : asContent(bytes, contentType);
}

function asContent(bytes: Buffer, contentType: string): NewContent {
  if (bytes.length > limits.responseBytes) throw tooLong();
  return { value: toStored(bytes, contentType), contentType };
}

/** What is larger could not be read in one answer. */
function tooLong(): RedisError {
  return new RedisError(`ERR string exceeds maximum allowed size (${limits.responseBytes} bytes)`);
}

export function bytesOf(row: KvRow): Buffer {
  return valueBytes(row.value);
}

/** An element or a member's value: the JSON text that stands in the document. Other doors may put any JSON there. */
export type Raw = string;

export function rawOf(text: string): Raw {
  return JSON.stringify(text);
}

/** As Redis knows it: a string's content, the compact JSON of anything else. */
export function shownRaw(raw: Raw): string {
  return raw.startsWith('"') ? (JSON.parse(raw) as string) : compactJson(raw);
}

/** Elements of a list. */
export function readList(row: KvRow): Raw[] {
  const text = documentOf(row);
  return elementsOf(text, rootOf(text)).map((span) => textOf(text, span));
}

/** Members of a set by how they are shown. */
export function readSet(row: KvRow): Map<string, Raw> {
  return new Map(readList(row).map((raw) => [shownRaw(raw), raw]));
}

/** Values of a hash by field. */
export function readHash(row: KvRow): Map<string, Raw> {
  const text = documentOf(row);
  return new Map(membersOf(text, rootOf(text)).map(({ name, value }) => [name, textOf(text, value)]));
}

export function listContent(elements: readonly Raw[], type: 'list' | 'set'): NewContent {
  return collectionContent(`[${elements.join(',')}]`, type);
}

export function hashContent(fields: ReadonlyMap<string, Raw>): NewContent {
  const members = Array.from(fields, ([name, raw]) => `${JSON.stringify(name)}:${raw}`);
  return collectionContent(`{${members.join(',')}}`, 'hash');
}

function collectionContent(text: string, type: CollectionType): NewContent {
  if (Buffer.byteLength(text) > limits.responseBytes) throw tooLong();
  return { value: toStored(Buffer.from(text), collectionTypes[type]), contentType: collectionTypes[type] };
}

function documentOf(row: KvRow): string {
  const text = jsonText(row.value);
  if (text === undefined) throw wrongType();
  return text;
}
