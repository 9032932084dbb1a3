// Why something could not be shipped or restored, and what to do about it.

/**
 * `bad-url`: no such kind of store. `missing`: no such object. `denied`: credentials or permissions. `full`: no room.
 * `away`: no answer, or one that a later try may better. `damaged`: content that cannot be right.
 * `unsupported`: the store cannot do what shipping needs.
 */
export type ShipErrorCode = 'bad-url' | 'missing' | 'denied' | 'full' | 'away' | 'damaged' | 'unsupported';

export class ShipError extends Error {
  readonly code: ShipErrorCode;

  /** @param message names the store and what to do, without credentials */
  constructor(code: ShipErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ShipError';
    this.code = code;
  }
}
