// The frames that copies of one database are brought up to date with. A copy says which generation it has and how many
// frames of it. It goes through the numbers of generations one by one, and through each one's frames from the first.
//
// The first generation of a chain is an image: its frames are the whole database as it was when the chain began, and
// make every copy of whatever age equal. The ones behind it go on from there. Their frames are what was committed, one
// transaction for all that was found at a time. Pure.
import type { Moment } from '../../messages/time-machine.ts';

/** All that was committed between two moments, as one transaction of frames. */
export interface Advance {
  readonly from: Moment;
  readonly to: Moment;
  readonly pages: number;
  /** Of the page numbers: they must stay what they were when copies got the first of them. */
  readonly digest: string;
}

interface Placed {
  readonly advance: Advance;
  /** Its frames are those behind this one. */
  readonly after: number;
}

interface Generation {
  readonly number: number;
  /** Of the database where its frames begin. */
  readonly base: Moment;
  readonly placed: Placed[];
  frames: number;
}

export type Place =
  /** Frames of the image, behind so many. */
  | { readonly kind: 'image'; readonly skip: number }
  | { readonly kind: 'advance'; readonly advance: Advance; readonly skip: number }
  /** It has all that was found until now. */
  | { readonly kind: 'end' }
  /** It has all of its generation, or what it has does not matter. */
  | { readonly kind: 'next' }
  /** It has more than there ever was. */
  | { readonly kind: 'ahead' }
  /** What it has is not known any more. */
  | { readonly kind: 'lost' };

/** Of databases with pages of 4,096 bytes. */
export const lockPage = 0x40000000 / 4096 + 1;

export class Chain {
  readonly image: { readonly number: number; readonly moment: Moment; readonly frames: number };
  readonly #generations: Generation[];

  /** `live`: the first generation behind the image. */
  constructor(image: number, live: number, moment: Moment) {
    const { databasePages } = moment;
    this.image = { number: image, moment, frames: databasePages < lockPage ? databasePages : databasePages - 1 };
    this.#generations = [{ number: live, base: moment, placed: [], frames: 0 }];
  }

  get newest(): { readonly number: number; readonly base: Moment; readonly frames: number } {
    return this.#live;
  }

  /** The newest moment that there are frames for. */
  get head(): Moment {
    return this.#live.placed.at(-1)?.advance.to ?? this.#live.base;
  }

  /** How many transactions it keeps. */
  get length(): number {
    return this.#generations.reduce((sum, { placed }) => sum + placed.length, 0);
  }

  /** The moment of which a generation is an image; undefined for one that none can begin with. */
  baseOf(generation: number): Moment | undefined {
    return this.#generations.find(({ number }) => number === generation)?.base;
  }

  /** What a copy of this generation needs that has all frames before number `next`, which counts from 1. */
  placeOf(generation: number, next: number): Place {
    const had = next - 1;
    const { image } = this;
    if (generation > this.#live.number) return { kind: 'ahead' };
    if (generation < image.number) return { kind: 'next' };
    if (generation === image.number) {
      if (had > image.frames) return { kind: 'lost' };
      return had === image.frames ? { kind: 'next' } : { kind: 'image', skip: had };
    }
    const own = this.#generations.find(({ number }) => number === generation);
    // A number in between is another database's: nobody has anything of it.
    if (own === undefined) return { kind: had === 0 ? 'next' : 'lost' };
    if (had > own.frames) return { kind: 'lost' };
    if (had === own.frames) return { kind: own === this.#live ? 'end' : 'next' };
    const found = own.placed.findLast(({ after }) => after <= had);
    return found === undefined
      ? { kind: 'lost' }
      : { kind: 'advance', advance: found.advance, skip: had - found.after };
  }

  /** Whether a copy that has all frames before number `next` is in the middle of a transaction. */
  isWithin(generation: number, next: number): boolean {
    const place = this.placeOf(generation, next);
    return (place.kind === 'image' || place.kind === 'advance') && place.skip > 0;
  }

  /** From `head` on. One without pages only moves the head. */
  add(advance: Advance): void {
    const live = this.#live;
    live.placed.push({ advance, after: live.frames });
    live.frames += advance.pages;
  }

  /** A copy with all frames of the newest generation goes on with the new one, and begins its log anew. */
  begin(number: number): void {
    this.#generations.push({ number, base: this.head, placed: [], frames: 0 });
  }

  get #live(): Generation {
    const live = this.#generations.at(-1);
    if (live === undefined) throw new RangeError('a chain has a generation');
    return live;
  }
}
