// Writing an object only where none of its name is: does the service keep to `If-None-Match: *`? Some ignore it without
// a word, so it is tried once, with an object that nobody needs.
import { randomUUID } from 'node:crypto';
import { ShipError } from '../ship-error.ts';
import type { S3Requests } from './requests.ts';

export const ifNew = { 'if-none-match': '*' } as const;
/** The service has kept to it: an object of that name is there. */
export const isThereAlready = 412;
/** Metadata of one `write`, so that it knows its own object again after an answer that was lost. */
export const writeIdHeader = 'x-amz-meta-hoody-write';

export async function honoursIfNew(requests: S3Requests, prefix: string): Promise<boolean> {
  const key = `${prefix}.probe-${randomUUID()}`;
  const body = Buffer.from('hoody-sqlite asks whether If-None-Match holds here. This object may be removed.\n');
  await requests.send({ method: 'PUT', key, body });
  try {
    const second = await requests.send({ method: 'PUT', key, body, headers: ifNew }, [isThereAlready]);
    return second.status === isThereAlready;
  } catch (error) {
    if (error instanceof ShipError && error.code === 'unsupported') return false;
    throw error;
  } finally {
    await requests.send({ method: 'DELETE', key });
  }
}
