// Batons: what a client shows to go on with its transaction. Each is good for one request, and cannot be guessed.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Baton {
  readonly id: number;
  /** Of the request that it is good for, counted from 1. */
  readonly sequence: number;
}

export class Batons {
  /** Tells the batons of this process from those of an earlier one. */
  readonly #process = randomBytes(6).toString('base64url');
  readonly #key = randomBytes(32);

  write({ id, sequence }: Baton): string {
    return `${this.#process}.${id}.${sequence}.${this.#mac(id, sequence).toString('base64url')}`;
  }

  /** `foreign`: it is none of this process. */
  read(text: string): Baton | 'foreign' {
    const [from, id = '', sequence = '', mac = ''] = text.split('.');
    if (from !== this.#process || !/^\d{1,15}$/.test(id) || !/^\d{1,15}$/.test(sequence)) return 'foreign';
    const baton = { id: Number(id), sequence: Number(sequence) };
    const given = Buffer.from(mac, 'base64url');
    const right = this.#mac(baton.id, baton.sequence);
    return given.length === right.length && timingSafeEqual(given, right) ? baton : 'foreign';
  }

  #mac(id: number, sequence: number): Buffer {
    return createHmac('sha256', this.#key).update(`${id}.${sequence}`).digest();
  }
}
