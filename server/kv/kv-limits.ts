// Limits of the key-value store, unit in the name.

export const kvLimits = {
  keyBytes: 8 * 1024,
  batchEntries: 100,
  /** Some 300 years. */
  ttlMaxSeconds: 10_000_000_000,
  listDefault: 100,
  listMax: 1000,
  /** What one list or history answer may carry in values. */
  answerBytes: 32 * 1024 * 1024,
  idempotencyKeyChars: 255,
  idempotencySeconds: 24 * 3600,
  idempotentAnswerBytes: 1024 * 1024,
} as const;
