// Does with a store, once, what shipping and restoring do with it.
import { randomUUID } from 'node:crypto';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

/**
 * @returns what the operator should know: a line each
 * @throws ShipError if the place cannot be shipped to
 */
export async function probeStore(store: ShipStore): Promise<readonly string[]> {
  const name = `.probe-${randomUUID()}`;
  const content = Buffer.from('hoody-sqlite tries whether it may ship to this place. This object may be removed.\n');
  await store.write(name, content);
  try {
    const found = [];
    for await (const object of store.list(name)) found.push(object);
    const part = await store.read(name, { offset: 6, bytes: 6 });
    const isKept = found[0]?.name === name && found[0].bytes === content.length;
    if (!isKept || found.length !== 1 || !part.equals(content.subarray(6, 12))) {
      throw new ShipError('unsupported', `${store.url}: what was written there is not what is listed and read`);
    }
  } finally {
    await store.remove([name]);
  }
  return store.warnings();
}
