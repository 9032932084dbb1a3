// Whether the place of --ship can be written, listed, read and cleared: for `check`.
import { openStore, probeStore } from '../../fs/index.ts';
import { messageOf } from '../errors.ts';

export interface PlaceCheck {
  readonly url: string;
  readonly isUsable: boolean;
  /** What is wrong, or what the operator should know: a line each. */
  readonly remarks: readonly string[];
}

export async function checkPlace(ship: string): Promise<PlaceCheck> {
  let url = 'the place of --ship';
  try {
    const store = openStore(ship, { isSoonGivenUp: true });
    url = store.url;
    return { url, isUsable: true, remarks: await probeStore(store) };
  } catch (error) {
    return { url, isUsable: false, remarks: [messageOf(error)] };
  }
}
