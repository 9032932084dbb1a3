// Which content type a written value gets. Browsers and curl put a header on a body that nobody chose; a JSON document
// sent that way is recorded as JSON.
import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../../messages/errors.ts';
import { parseJson } from '../../../messages/json.ts';
import { jsonType, octetStreamType } from './codes.ts';
import { isJsonType } from './values.ts';

/** What fetch() and curl -d send when the caller names no type. */
const unchosen = /^(text\/plain;charset=UTF-8|application\/x-www-form-urlencoded)$/;
const maxChars = 255;

/** @throws ApiError INVALID_JSON_VALUE for a JSON content type whose body is not one JSON document. */
export function contentTypeFor(header: string | undefined, body: Buffer): string {
  const sent = header?.trim() ?? '';
  if (sent === '' || unchosen.test(sent)) {
    if (jsonProblem(body) === null) return jsonType;
    return sent === '' ? octetStreamType : sent;
  }
  checkContentType(sent);
  const problem = isJsonType(sent) ? jsonProblem(body) : null;
  if (problem !== null) {
    throw new ApiError('INVALID_JSON_VALUE', `the value is sent as ${sent} but is not one JSON document: ${problem}`);
  }
  return sent;
}

export function checkContentType(contentType: string): void {
  if (contentType.length > maxChars || !/^[\x20-\x7e]+$/.test(contentType)) {
    throw new ApiError('INVALID_PARAMETERS', `a content type has 1 to ${maxChars} printable ASCII characters`);
  }
}

/** A stored type that may not stand in a header (SQL can write anything) is answered as bytes. */
export function headerSafeType(contentType: string): string {
  return /^[\x21-\x7e][\x20-\x7e]*$/.test(contentType) ? contentType : octetStreamType;
}

/** Why the bytes are not one JSON document, or null. */
function jsonProblem(body: Buffer): string | null {
  if (!isUtf8(body)) return 'it is not valid UTF-8';
  try {
    parseJson(body.toString());
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read';
  }
}
