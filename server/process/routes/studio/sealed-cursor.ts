// Cursors of a shared table. A cursor names the key of a row, which may be in a column that the share does not show, so
// the holder of a link gets it sealed.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { ApiError } from '../../../messages/errors.ts';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** `share`: the id, so that a cursor of one share is none of another. */
export function seal(cursor: string, secret: Buffer, share: string): string {
  const nonce = randomBytes(nonceBytes);
  const sealer = createCipheriv(cipher, secret, nonce).setAAD(Buffer.from(share));
  const text = Buffer.concat([sealer.update(cursor, 'utf8'), sealer.final()]);
  return Buffer.concat([nonce, sealer.getAuthTag(), text]).toString('base64url');
}

/** @throws ApiError INVALID_PARAMETERS for what `seal` did not make */
export function unseal(sealed: string, secret: Buffer, share: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const opener = createDecipheriv(cipher, secret, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(share))
      .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    return opener.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + opener.final('utf8');
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'this cursor does not belong to the share', { cause });
  }
}
