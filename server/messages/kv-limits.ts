// Limits of the key-value store, unit in the name.

export const kvLimits = {
  keyBytes: 8 * 1024,
  batchEntries: 100,
  /** Commands of Redis in one request, and how many of a pipeline share a transaction. */
  redisCommands: 10_000,
  redisGroup: 250,
  /** Keys that one transaction of a FLUSHDB deletes. */
  clearedKeys: 500,
  /** Some 300 years. */
  ttlMaxSeconds: 10_000_000_000,
  listDefault: 100,
  listMax: 1000,
  historyDefault: 50,
  rollbackSteps: 50_000,
  rollbackKeys: 10_000,
  /** Keys that one rollback of a table changes; it looks at as many as were touched. */
  rolledBackKeys: 50_000,
  /** Keys looked at by one snapshot or diff of a table. */
  scannedKeys: 50_000,
  listedGaps: 1000,
  previewedChanges: 1000,
  operationsBetween: 100,
  feedSeconds: 24 * 3600,
  feedChanges: 1_000_000,
  feedDefault: 100,
  feedMax: 1000,
  feedWaitSeconds: 60,
  feedValueBytes: 256 * 1024,
  /** A page ends early rather than grow beyond. */
  feedAnswerBytes: 16 * 1024 * 1024,
  /** Log rows that one call looks at. */
  scannedChanges: 50_000,
  streams: 256,
  streamLifeSeconds: 3600,
  checkpointSeconds: 15,
  idempotencyKeyChars: 255,
  idempotencySeconds: 24 * 3600,
  idempotentAnswerBytes: 1024 * 1024,
} as const;
