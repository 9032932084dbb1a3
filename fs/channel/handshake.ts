// INIT: what is taken of the kernel's offer. Everything that is not asked for here stays with the kernel's default.
import type { InitAnswer } from '../protocol/encode.ts';
import { init, init2 } from '../protocol/flags.ts';
import type { RequestOf } from '../protocol/requests.ts';

/** The protocol version that this program was written against: kernel 6.18. */
const newestMinor = 45;
/** 7.31 (kernel 5.4): MAX_PAGES, COPY_FILE_RANGE, RENAME2 and what else is taken for granted. */
const oldestMinor = 31;

const maxPages = 256;
export const maxWriteBytes = maxPages * 4096;

const wanted =
  init.ASYNC_READ |
  init.BIG_WRITES |
  init.DO_READDIRPLUS |
  init.READDIRPLUS_AUTO |
  init.PARALLEL_DIROPS |
  init.MAX_PAGES |
  init.INIT_EXT;

/**
 * ALLOW_IDMAP (kernel 6.12): containers may get the mount with shifted ids. The kernel translates them, since it is the
 * kernel that checks permissions (default_permissions). Requests then carry the caller's ids only where something is
 * created; all others have -1, and nothing here looks at them.
 */
const wanted2 = init2.ALLOW_IDMAP;

export interface HandshakeWishes {
  readonly passthrough: boolean;
  /** POSIX locks and flock arrive as requests. Otherwise the kernel keeps them. */
  readonly locks: boolean;
  readonly maxStackDepth: number;
}

/** The answer to INIT, or undefined when the kernel is too old or speaks another protocol. */
export function answerInit(offer: RequestOf<'INIT'>, wishes: HandshakeWishes): InitAnswer | undefined {
  if (offer.major !== 7 || offer.minor < oldestMinor) return undefined;
  const lockFlags = wishes.locks ? init.POSIX_LOCKS | init.FLOCK_LOCKS : 0;
  const flags = offer.flags & (wanted | lockFlags);
  const hasExtension = (flags & init.INIT_EXT) !== 0;
  const flags2 = hasExtension ? offer.flags2 & (wanted2 | (wishes.passthrough ? init2.PASSTHROUGH : 0)) : 0;
  return {
    minor: Math.min(offer.minor, newestMinor),
    maxReadahead: offer.maxReadahead,
    flags,
    flags2,
    maxBackground: 64,
    maxWriteBytes,
    maxPages,
    maxStackDepth: (flags2 & init2.PASSTHROUGH) !== 0 ? wishes.maxStackDepth : 0,
  };
}
